/* The bytes of a JPEG -> the pixels within a box, by libjpeg-turbo. Above and beside the box Huffman's code is read and no block
   transformed, and below it nothing is read. The pixels are those of a decoder of the whole.

   Whatever libjpeg warns of is an error here: the caller has another decoder, which shall say what the file is. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "scan.h"

#if !defined(LIBJPEG_TURBO_VERSION_NUMBER) || LIBJPEG_TURBO_VERSION_NUMBER < 2001000
#error "this needs libjpeg-turbo 2.1 or newer (Debian: libjpeg62-turbo-dev, Ubuntu: libjpeg-turbo8-dev)"
#endif

/* Chroma at half the width is smoothed with its neighbours, which reach two pixels beyond the box. */
#define MARGIN 2
/* Bytes that libjpeg may keep the coefficients in, of which a file with several scans has two for each pixel and channel. */
#define MOST_MEMORY (1L << 30)

/* A box in pixels of the decoded size, `fraction` times smaller than the stored one. */
typedef struct {
    unsigned int left, top, right, bottom, fraction, channels;
} Part;

typedef struct {
    struct jpeg_error_mgr manager; /* the first, so that libjpeg's pointer to it is one to all of this */
    jmp_buf out;
    int lenient; /* about what libjpeg warns of */
    char why[JMSG_LENGTH_MAX];
} Failure;

static void fail(j_common_ptr info)
{
    Failure *failure = (Failure *)info->err;
    failure->manager.format_message(info, failure->why);
    longjmp(failure->out, 1);
}

static void warned(j_common_ptr info, int level)
{
    if (level < 0 && !((Failure *)info->err)->lenient)
        fail(info);
}

static void refuse(j_decompress_ptr info, const char *why)
{
    Failure *failure = (Failure *)info->err;
    snprintf(failure->why, sizeof failure->why, "%s", why);
    longjmp(failure->out, 1);
}

/* The header is read, and how to decode is settled. */
static void begin(j_decompress_ptr info, const unsigned char *data, size_t size, const Part *part)
{
    jpeg_mem_src(info, data, (unsigned long)size);
    jpeg_read_header(info, TRUE);
    if (info->jpeg_color_space != JCS_GRAYSCALE && info->jpeg_color_space != JCS_YCbCr
        && info->jpeg_color_space != JCS_RGB)
        refuse(info, "its colours are neither grey, YCbCr nor RGB");
    info->out_color_space = part->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    info->scale_num = 1;
    info->scale_denom = part->fraction;
    jpeg_calc_output_dimensions(info);
    if (part->right > info->output_width || part->bottom > info->output_height)
        refuse(info, "the box reaches out of the image");
}

/* The rows of the box, each copied from a wider one whose first pixel is that of column `from`. */
static void read_rows(j_decompress_ptr info, const Part *part, JDIMENSION from, JDIMENSION wide, unsigned char *pixels)
{
    JSAMPARRAY row = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, wide * part->channels, 1);
    size_t each = (size_t)(part->right - part->left) * part->channels;
    if (info->output_components != (int)part->channels)
        refuse(info, "it has another number of channels");
    while (info->output_scanline < part->bottom) {
        if (jpeg_read_scanlines(info, row, 1) != 1)
            refuse(info, "it has fewer rows");
        if (info->output_scanline <= part->top)
            continue;
        memcpy(pixels, row[0] + (size_t)(part->left - from) * part->channels, each);
        pixels += each;
    }
}

/* What a progressive file lacks is guessed from the blocks around, those outside of the box, too. */
static void must_be_complete(j_decompress_ptr info)
{
    for (int i = 0; info->coef_bits && i < info->num_components; i++)
        for (int at = 0; at < DCTSIZE2; at++)
            if (info->coef_bits[i][at] != 0)
                refuse(info, "it lacks scans");
}

/* By libjpeg alone: of files with several scans. */
static void decode_any(j_decompress_ptr info, const Part *part, unsigned char *pixels)
{
    jpeg_start_decompress(info);
    must_be_complete(info);
    JDIMENSION from = part->left > MARGIN ? part->left - MARGIN : 0;
    JDIMENSION until = part->right + MARGIN < info->output_width ? part->right + MARGIN : info->output_width;
    JDIMENSION wide = until - from;
    jpeg_crop_scanline(info, &from, &wide); /* to the left as far as a block goes */
    if (part->top > 0 && jpeg_skip_scanlines(info, part->top) != part->top)
        refuse(info, "it has fewer rows");
    read_rows(info, part, from, wide, pixels);
}

/* The bytes of a file of nothing but a header, as large as the MCUs that are needed: libjpeg makes room for their coefficients. */
typedef struct {
    unsigned char bytes[1024];
    size_t size;
} Head;

static void put(Head *head, unsigned int value, int bytes)
{
    while (bytes--)
        head->bytes[head->size++] = (unsigned char)(value >> (8 * bytes));
}

static void put_quantizers(Head *head, j_decompress_ptr file)
{
    unsigned int done = 0;
    for (int i = 0; i < file->num_components; i++) {
        int number = file->comp_info[i].quant_tbl_no;
        if (number < 0 || number >= NUM_QUANT_TBLS || !file->quant_tbl_ptrs[number])
            refuse(file, "it lacks a table");
        if (done & 1u << number)
            continue;
        done |= 1u << number;
        put(head, 0xFFDB, 2);
        put(head, 3 + 2 * 64, 2);
        put(head, 0x10 | (unsigned int)number, 1);
        for (int at = 0; at < 64; at++)
            put(head, file->quant_tbl_ptrs[number]->quantval[NATURAL[at]], 2);
    }
}

static void put_head(Head *head, j_decompress_ptr file, JDIMENSION width, JDIMENSION height)
{
    int count = file->num_components;
    head->size = 0;
    put(head, 0xFFD8, 2);
    put_quantizers(head, file);
    put(head, 0xFFC0, 2);
    put(head, 8 + 3 * (unsigned int)count, 2);
    put(head, 8, 1);
    put(head, height, 2);
    put(head, width, 2);
    put(head, (unsigned int)count, 1);
    for (int i = 0; i < count; i++) {
        const jpeg_component_info *one = file->comp_info + i;
        put(head, (unsigned int)i + 1, 1);
        put(head, count == 1 ? 0x11 : (unsigned int)(one->h_samp_factor << 4 | one->v_samp_factor), 1);
        put(head, (unsigned int)one->quant_tbl_no, 1);
    }
    for (unsigned int kind = 0; kind <= 0x10; kind += 0x10) { /* tables of one code, which nothing is read by */
        put(head, 0xFFC4, 2);
        put(head, 2 + 1 + 16 + 1, 2);
        put(head, kind, 1);
        put(head, 1, 1);
        for (int length = 2; length <= 17; length++)
            put(head, 0, 1);
    }
    put(head, 0xFFDA, 2);
    put(head, 6 + 2 * (unsigned int)count, 2);
    put(head, (unsigned int)count, 1);
    for (int i = 0; i < count; i++)
        put(head, ((unsigned int)i + 1) << 8, 2);
    put(head, 63 << 8, 3);
    put(head, 0xFFD9, 2);
}

/* Where the coefficients go: libjpeg's arrays, of which a row is at hand for each row of a component's blocks in an MCU. */
typedef struct {
    j_decompress_ptr info;
    jvirt_barray_ptr *arrays;
    JBLOCKROW rows[MAX_COMPONENTS];
    JDIMENSION at[MAX_COMPONENTS];
} Room;

static JCOEF *place(void *to, int component, JDIMENSION row, JDIMENSION column)
{
    Room *room = to;
    if (room->at[component] != row) {
        room->rows[component] = room->info->mem->access_virt_barray((j_common_ptr)room->info,
                                                                    room->arrays[component], row, 1, TRUE)[0];
        room->at[component] = row;
    }
    return room->rows[component][column];
}

/* The MCUs of `step` pixels that a box needs with its margins, along an axis of `size`. */
static void needed(unsigned int from, unsigned int until, unsigned int fraction, unsigned int step, unsigned int size,
                   unsigned int *first, unsigned int *beyond)
{
    unsigned int low = from > MARGIN ? (from - MARGIN) * fraction : 0;
    unsigned int high = (until + MARGIN) * fraction;
    *first = low / step;
    *beyond = ((high < size ? high : size) + step - 1) / step;
    if (*beyond - *first == 1 && high < size && *beyond * step < size)
        ++*beyond; /* what is narrower than three pixels is not smoothed */
    else if (*beyond - *first == 1 && *first > 0)
        --*first;
}

/* By our own reading of Huffman's code, and libjpeg's of all that follows. */
static void decode_one_scan(j_decompress_ptr file, j_decompress_ptr info, const Part *part, unsigned char *pixels)
{
    Units units;
    Head head;
    Room room = {info, NULL, {NULL}, {0}};
    int grey = file->num_components == 1;
    unsigned int across = 8u * (grey ? 1 : file->max_h_samp_factor), down = 8u * (grey ? 1 : file->max_v_samp_factor);

    needed(part->left, part->right, part->fraction, across, file->image_width, &units.left, &units.right);
    needed(part->top, part->bottom, part->fraction, down, file->image_height, &units.top, &units.bottom);
    JDIMENSION left = units.left * across, top = units.top * down, right = units.right * across, bottom = units.bottom * down;
    right = right < file->image_width ? right : file->image_width;
    bottom = bottom < file->image_height ? bottom : file->image_height;
    put_head(&head, file, right - left, bottom - top);
    ((Failure *)info->err)->lenient = 1; /* that the scan has no data */
    jpeg_mem_src(info, head.bytes, (unsigned long)head.size);
    jpeg_read_header(info, TRUE);
    info->jpeg_color_space = file->jpeg_color_space;
    info->out_color_space = file->out_color_space;
    info->scale_num = 1;
    info->scale_denom = part->fraction;
    info->buffered_image = TRUE;
    jpeg_start_decompress(info);
    while (jpeg_consume_input(info) != JPEG_REACHED_EOI)
        ;
    room.arrays = jpeg_read_coefficients(info);
    memset(room.at, 0xFF, sizeof room.at);
    if (!read_scan(file, &units, place, &room))
        refuse(info, "its data are corrupt");
    jpeg_start_output(info, info->input_scan_number);
    Part within = *part;
    within.left -= left / part->fraction;
    within.right -= left / part->fraction;
    within.top -= top / part->fraction;
    within.bottom -= top / part->fraction;
    read_rows(info, &within, 0, info->output_width, pixels);
}

/* Whether it could; else `failure` says why. No object of Python is touched: others may run meanwhile. */
static int decode(const unsigned char *data, size_t size, const Part *part, unsigned char *pixels, Failure *failure)
{
    struct jpeg_decompress_struct file, info;

    memset(&file, 0, sizeof file);
    memset(&info, 0, sizeof info);
    file.err = info.err = jpeg_std_error(&failure->manager);
    failure->manager.error_exit = fail;
    failure->manager.emit_message = warned;
    failure->lenient = 0;
    volatile int good = 0;
    if (setjmp(failure->out) == 0) {
        jpeg_create_decompress(&file);
        file.mem->max_memory_to_use = MOST_MEMORY;
        begin(&file, data, size, part);
        if (one_scan(&file)) {
            jpeg_create_decompress(&info);
            info.mem->max_memory_to_use = MOST_MEMORY;
            decode_one_scan(&file, &info, part, pixels);
        } else
            decode_any(&file, part, pixels);
        good = 1;
    }
    jpeg_destroy_decompress(&info); /* and not finished: what is below the box is left */
    jpeg_destroy_decompress(&file);
    return good;
}

static int fits(const Part *part)
{
    return part->left < part->right && part->right <= JPEG_MAX_DIMENSION && part->top < part->bottom
        && part->bottom <= JPEG_MAX_DIMENSION && (part->channels == 1 || part->channels == 3)
        && (part->fraction == 1 || part->fraction == 2 || part->fraction == 4 || part->fraction == 8);
}

static PyObject *part_of(PyObject *module, PyObject *args)
{
    Py_buffer data;
    Part part;
    Failure failure;

    (void)module;
    if (!PyArg_ParseTuple(args, "y*(IIII)II:part", &data, &part.left, &part.top, &part.right, &part.bottom,
                          &part.fraction, &part.channels))
        return NULL;
    if (!fits(&part)) {
        PyBuffer_Release(&data);
        PyErr_SetString(PyExc_ValueError, "no such box, fraction or number of channels");
        return NULL;
    }
    size_t room = (size_t)(part.right - part.left) * (part.bottom - part.top) * part.channels;
    PyObject *pixels = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)room);
    int good = 1;
    if (pixels != NULL) {
        unsigned char *to = (unsigned char *)PyByteArray_AsString(pixels);
        Py_BEGIN_ALLOW_THREADS
        good = decode(data.buf, (size_t)data.len, &part, to, &failure);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&data);
    if (!good) {
        Py_DECREF(pixels);
        PyErr_SetString(PyExc_ValueError, failure.why);
        return NULL;
    }
    return pixels;
}

static PyMethodDef METHODS[] = {
    {"part", part_of, METH_VARARGS,
     "part(data, (left, top, right, bottom), fraction, channels) -> bytearray of the rows, pixel by pixel.\n\n"
     "The box is in pixels of the decoded size, 1, 2, 4 or 8 times smaller than the stored one; there are 1 (grey) or\n"
     "3 (RGB) channels. ValueError where libjpeg-turbo fails or warns."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "resgraph_jpeg", "Parts of JPEGs, decoded alone.", 0, METHODS, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_resgraph_jpeg(void)
{
    return PyModuleDef_Init(&MODULE);
}
