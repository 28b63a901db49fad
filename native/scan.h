/* The scan of a baseline JPEG -> the coefficients of the blocks within a box. */

#ifndef RESGRAPH_SCAN_H
#define RESGRAPH_SCAN_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

/* Where in a block the coefficients are that a file has in zigzag order. */
extern const unsigned char NATURAL[64];

/* Whole MCUs: columns from `left` and rows from `top`, until before `right` and `bottom`. */
typedef struct {
    unsigned int left, top, right, bottom;
} Units;

/* Whether the file is one that read_scan can read: its header is, and it has one scan of all components. */
int one_scan(j_decompress_ptr file);

/* Reads the scan that follows the header of `file` as far as `units` go, and hands each block within them to `place`, which says
   where its coefficients go, or NULL. 0 where the data are corrupt. `units` are within the image. */
typedef JCOEF *(*Place)(void *to, int component, JDIMENSION row, JDIMENSION column);
int read_scan(j_decompress_ptr file, const Units *units, Place place, void *to);

#endif
