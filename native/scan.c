/* A table has the values of all short codes with their extra bits; another has several codes at once, for blocks that are not
   kept, of which only the first coefficient counts, since that of the next block is a difference to it. */

#include "scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LOOK 10 /* bits by which the tables are looked up */
#define CHUNK 8192
#define END 128 /* a run that no block has: its end */

/* What the next bits mean, in a register: a coefficient after a run of zeros, by so many bits; 0 where it is none, or where LOOK
   bits are too few. */
typedef uint32_t Code;
#define CODE(value, run, bits) ((Code)(uint16_t)(value) << 16 | (Code)(run) << 8 | (Code)(bits))
#define VALUE(code) ((int16_t)((code) >> 16))
#define RUN(code) ((int)((code) >> 8 & 255))
#define BITS(code) ((int)((code)&255))

/* Several of them by so many bits: how far they reach, and whether the last is the block's end. */
typedef uint32_t Codes;
#define CODES(ends, ahead, bits) ((Codes)(ends) << 16 | (Codes)(ahead) << 8 | (Codes)(bits))
#define ENDS(codes) ((int)((codes) >> 16))

typedef struct {
    Code fast[1 << LOOK];
    int32_t beyond[18]; /* of each length the first code that is longer, on the left of 16 bits */
    int32_t shift[17];  /* from a code to its symbol */
    uint8_t symbols[256];
} Table;

/* The next bits, on the left of `word`, and where those behind them are in a chunk. A copy is in registers while a block is
   read. */
typedef struct {
    uint64_t word;
    int have;
    const uint8_t *at, *until;
} Bits;

typedef struct {
    Bits bits;
    const uint8_t *next, *end; /* of the file */
    long spare;                /* zero bytes that were added behind the data */
    int marker;                /* that ends the data, or 0 */
    uint8_t chunk[CHUNK];
} Source;

const unsigned char NATURAL[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* More bytes of data, without the zero behind each 0xFF; zeros behind the last. */
static void more(Source *from, Bits *bits)
{
    size_t left = (size_t)(bits->until - bits->at);
    memmove(from->chunk, bits->at, left);
    uint8_t *to = from->chunk + left, *full = from->chunk + CHUNK;
    while (to < full && !from->marker) {
        size_t room = (size_t)(full - to), rest = (size_t)(from->end - from->next);
        size_t most = room < rest ? room : rest;
        const uint8_t *mark = memchr(from->next, 0xFF, most);
        size_t plain = mark ? (size_t)(mark - from->next) : most;
        memcpy(to, from->next, plain);
        to += plain;
        from->next += plain;
        if (from->end - from->next < 2)
            from->marker = -1;
        else if (mark && from->next[1] == 0) {
            *to++ = 0xFF;
            from->next += 2;
        } else if (mark)
            from->marker = from->next[1];
    }
    memset(to, 0, (size_t)(full - to));
    from->spare += full - to;
    bits->at = from->chunk;
    bits->until = full;
}

static inline uint64_t big_endian(const uint8_t *at)
{
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return __builtin_bswap64(word);
#else
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | at[i];
    return word;
#endif
}

/* At least 56 bits. */
static inline void refill(Source *from, Bits *bits)
{
    if (bits->until - bits->at < 8) {
        Bits now = *bits;
        more(from, &now);
        *bits = now;
    }
    bits->word |= big_endian(bits->at) >> bits->have;
    bits->at += (63 - bits->have) >> 3;
    bits->have |= 56;
}

static inline void drop(Bits *bits, int count)
{
    bits->word <<= count;
    bits->have -= count;
}

/* How many bytes of data are left until the marker, as far as they are known. */
static long bytes_left(const Source *from)
{
    return (from->bits.until - from->bits.at) + from->bits.have / 8 - from->spare;
}

static int extended(int raw, int size)
{
    return raw < 1 << (size - 1) ? raw - (1 << size) + 1 : raw;
}

/* The code on the left of `word`, of any length. `dc`: it is a size alone. */
static Code whole_code(uint64_t word, const Table *table, int dc)
{
    int32_t next = (int32_t)(word >> 48), length = 1;
    while (length <= 16 && next >= table->beyond[length])
        length++;
    if (length > 16)
        return 0;
    int symbol = table->symbols[((next >> (16 - length)) + table->shift[length]) & 255];
    int size = dc ? symbol : symbol & 15, run = dc ? 0 : symbol >> 4;
    if (size > 15)
        return 0;
    if (size == 0)
        return CODE(0, !dc && run < 15 ? END : run, length);
    return CODE(extended((int)(word << length >> (64 - size)), size), run, length + size);
}

/* 0 where it is no Huffman table. */
static int make_table(const JHUFF_TBL *from, int dc, Table *table)
{
    int32_t code = 0, index = 0;
    memcpy(table->symbols, from->huffval, sizeof table->symbols);
    for (int length = 1; length <= 16; length++) {
        table->shift[length] = index - code;
        code += from->bits[length];
        index += from->bits[length];
        if (code >= 1 << length || index > 256)
            return 0;
        table->beyond[length] = code << (16 - length);
        code <<= 1;
    }
    int32_t next = 0;
    while (next < 1 << LOOK) {
        Code found = whole_code((uint64_t)next << (64 - LOOK), table, dc);
        /* the same for all that begin with these bits */
        int32_t same = found && BITS(found) <= LOOK ? 1 << (LOOK - BITS(found)) : 1;
        while (same--)
            table->fast[next++] = BITS(found) <= LOOK ? found : 0;
    }
    return 1;
}

static void make_skipping(const Table *table, Codes *skipping)
{
    for (uint32_t next = 0; next < 1 << LOOK; next++) {
        int bits = 0, ahead = 0, ends = 0;
        while (!ends && bits < LOOK) {
            Code one = table->fast[(next << bits) & ((1 << LOOK) - 1)];
            if (!one || BITS(one) + bits > LOOK)
                break;
            bits += BITS(one);
            ends = RUN(one) == END;
            ahead += ends ? 0 : RUN(one) + 1;
        }
        skipping[next] = CODES(ends, ahead, bits);
    }
}

/* One code, which may be long. */
static inline Code next_code(Bits *bits, const Table *table, int dc)
{
    Code code = table->fast[bits->word >> (64 - LOOK)];
    if (!code)
        code = whole_code(bits->word, table, dc);
    drop(bits, BITS(code));
    return code;
}

/* A refill is for several codes of LOOK bits, or for two and a long one: whether there are enough bits is not asked at each, since
   processors cannot foresee that. */
#define KEPT_AT_ONCE 3
#define SKIPPED_AT_ONCE 5

/* The coefficients behind the first. */
static inline int keep(Source *from, Bits *bits, const Table *table, JCOEF *block)
{
    int at = 1;
    while (at < 64) {
        refill(from, bits);
        for (int i = 0; i < KEPT_AT_ONCE; i++) {
            Code code = table->fast[bits->word >> (64 - LOOK)];
            int long_one = !code;
            if (long_one)
                code = whole_code(bits->word, table, 0);
            drop(bits, BITS(code));
            at += RUN(code);
            if (at > 63)
                return at >= END;
            if (!code)
                return 0;
            block[NATURAL[at++]] = VALUE(code);
            if (long_one || at == 64)
                break;
        }
    }
    return 1;
}

/* The same for a block that is not kept. */
static inline int skip(Source *from, Bits *bits, const Table *table, const Codes *skipping)
{
    int at = 1;
    while (at < 64) {
        refill(from, bits);
        int i = 0;
        for (; i < SKIPPED_AT_ONCE; i++) {
            Codes all = skipping[bits->word >> (64 - LOOK)];
            if (!all || at + RUN(all) + ENDS(all) > 64)
                break;
            drop(bits, BITS(all));
            if (ENDS(all))
                return 1;
            at += RUN(all);
        }
        if (i == SKIPPED_AT_ONCE || at == 64)
            continue;
        refill(from, bits);
        Code code = next_code(bits, table, 0);
        at += RUN(code) + 1;
        if (!code || at > 64)
            return code && at > END;
    }
    return 1;
}

typedef struct {
    Source from;
    Table dc[NUM_HUFF_TBLS], ac[NUM_HUFF_TBLS];
    Codes skipping[NUM_HUFF_TBLS][1 << LOOK];
    int before[MAX_COMPS_IN_SCAN]; /* the last block's first coefficient */
    int restarts;
    j_decompress_ptr file;
    Place place;
    void *to;
} Reader;

int one_scan(j_decompress_ptr file)
{
    if (file->progressive_mode || file->arith_code || file->data_precision != 8
        || file->comps_in_scan != file->num_components || file->num_components > 3)
        return 0;
    for (int i = 0; i < file->comps_in_scan; i++) {
        const jpeg_component_info *one = file->cur_comp_info[i];
        int dc = one->dc_tbl_no, ac = one->ac_tbl_no;
        if (one != file->comp_info + i || dc < 0 || dc >= NUM_HUFF_TBLS || ac < 0 || ac >= NUM_HUFF_TBLS
            || !file->dc_huff_tbl_ptrs[dc] || !file->ac_huff_tbl_ptrs[ac])
            return 0;
    }
    return file->Ss == 0 && file->Se == 63 && file->Ah == 0 && file->Al == 0;
}

static int make_tables(Reader *reader)
{
    unsigned int made = 0;
    for (int i = 0; i < reader->file->comps_in_scan; i++) {
        int dc = reader->file->comp_info[i].dc_tbl_no, ac = reader->file->comp_info[i].ac_tbl_no;
        if (!(made & 1u << dc) && !make_table(reader->file->dc_huff_tbl_ptrs[dc], 1, &reader->dc[dc]))
            return 0;
        if (!(made & 16u << ac)) {
            if (!make_table(reader->file->ac_huff_tbl_ptrs[ac], 0, &reader->ac[ac]))
                return 0;
            make_skipping(&reader->ac[ac], reader->skipping[ac]);
        }
        made |= 1u << dc | 16u << ac;
    }
    return 1;
}

/* One block; `block` is NULL where it is not kept. */
static int read_block(Reader *reader, int component, JCOEF *block)
{
    const jpeg_component_info *one = reader->file->comp_info + component;
    Bits bits = reader->from.bits;
    const Table *dc = &reader->dc[one->dc_tbl_no], *ac = &reader->ac[one->ac_tbl_no];
    refill(&reader->from, &bits);
    Code code = next_code(&bits, dc, 1);
    if (!code)
        return 0;
    int first = reader->before[component] += VALUE(code);
    if (first < -32768 || first > 32767)
        return 0;
    int good;
    if (block) {
        block[0] = (JCOEF)first;
        good = keep(&reader->from, &bits, ac, block);
    } else
        good = skip(&reader->from, &bits, ac, reader->skipping[one->ac_tbl_no]);
    reader->from.bits = bits;
    return good;
}

/* One MCU; of grey files it is a block, whatever their sampling. */
static int read_unit(Reader *reader, JDIMENSION row, JDIMENSION column, int kept)
{
    for (int i = 0; i < reader->file->comps_in_scan; i++) {
        const jpeg_component_info *one = reader->file->comp_info + i;
        int grey = reader->file->comps_in_scan == 1;
        int across = grey ? 1 : one->h_samp_factor, down = grey ? 1 : one->v_samp_factor;
        for (int j = 0; j < across * down; j++) {
            JCOEF *block = NULL;
            if (kept)
                block = reader->place(reader->to, i, row * down + j / across, column * across + j % across);
            if (!read_block(reader, i, block))
                return 0;
        }
    }
    return 1;
}

static void begin_data(Source *from, const uint8_t *next)
{
    from->bits = (Bits){0, 0, from->chunk, from->chunk};
    from->next = next;
    from->spare = 0;
    from->marker = 0;
}

/* Behind the last MCU of an interval there is nothing but its marker. */
static int restart(Reader *reader)
{
    Source *from = &reader->from;
    while (!from->marker && from->bits.until - from->bits.at < 8)
        more(from, &from->bits);
    if (bytes_left(from) != 0 || from->marker != 0xD0 + reader->restarts % 8)
        return 0;
    reader->restarts++;
    memset(reader->before, 0, sizeof reader->before);
    begin_data(from, from->next + 2);
    return 1;
}

static int read_rows(Reader *reader, const Units *units, JDIMENSION wide)
{
    unsigned int left = reader->file->restart_interval;
    for (JDIMENSION row = 0; row < units->bottom; row++) {
        JDIMENSION most = row + 1 < units->bottom ? wide : units->right;
        for (JDIMENSION column = 0; column < most; column++) {
            int kept = row >= units->top && column >= units->left && column < units->right;
            if (reader->file->restart_interval && left-- == 0) {
                if (!restart(reader))
                    return 0;
                left = reader->file->restart_interval - 1;
            }
            if (!read_unit(reader, row - units->top, column - units->left, kept))
                return 0;
        }
        if (bytes_left(&reader->from) < 0)
            return 0;
    }
    return 1;
}

int read_scan(j_decompress_ptr file, const Units *units, Place place, void *to)
{
    Reader *reader = malloc(sizeof *reader);
    if (!reader)
        return 0;
    reader->from.end = file->src->next_input_byte + file->src->bytes_in_buffer;
    begin_data(&reader->from, file->src->next_input_byte);
    memset(reader->before, 0, sizeof reader->before);
    reader->restarts = 0;
    reader->file = file;
    reader->place = place;
    reader->to = to;
    unsigned int unit = 8u * (file->comps_in_scan == 1 ? 1 : file->max_h_samp_factor);
    int good = make_tables(reader) && read_rows(reader, units, (file->image_width + unit - 1) / unit);
    free(reader);
    return good;
}
