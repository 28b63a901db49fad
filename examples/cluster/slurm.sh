#!/bin/bash
# ResNet-50 on ImageNet, on two machines of eight GPUs: sbatch examples/cluster/slurm.sh /datasets/imagenet
#
# Three minutes before its time is up, resgraph saves and ends with 138 (128 + SIGUSR1), and the job queues itself again.
# The same command begins the run and goes on with it, on as many GPUs as there are by then.
#SBATCH --job-name=resnet-50
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=12
#SBATCH --time=12:00:00
#SBATCH --signal=USR1@180
#SBATCH --requeue
#SBATCH --open-mode=append

srun resgraph build specs/resnet.yaml::resnet-50 --set train=imagenet-90 --data "$1" \
  -o runs/resnet-50 --auto-resume "${@:2}"
code=$?
if [ $code = 138 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
