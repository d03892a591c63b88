// The work on the path of a frame that is slow in JavaScript, as a Node addon: memory that the daemon and the engine's child share, a large pipe
// for the camera, and the scaling of pixels.
//
// Invariant: the scaling gives the same bytes as the JavaScript beside each call (src/vision), which runs where this is not built.
// test/native/frames.test.ts compares them. No function reads or writes outside of the arrays that it is given.
//
// Node-API is stable across versions of Node, so the few functions of it are declared here and no headers are needed.
// Source: https://nodejs.org/api/n-api.html
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct napi_env_ *napi_env;
typedef struct napi_value_ *napi_value;
typedef struct napi_info_ *napi_info;
typedef int napi_status;  // 0: ok
typedef int napi_array_type;
typedef napi_value (*napi_callback)(napi_env, napi_info);
typedef void (*napi_finalize)(napi_env, void *data, void *hint);
enum { INT8_ARRAY = 0, UINT8_ARRAY = 1, INT32_ARRAY = 5, FLOAT32_ARRAY = 7, FLOAT64_ARRAY = 8 };

napi_status napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
napi_status napi_set_named_property(napi_env, napi_value, const char *, napi_value);
napi_status napi_get_cb_info(napi_env, napi_info, size_t *, napi_value *, napi_value *, void **);
napi_status napi_get_typedarray_info(napi_env, napi_value, napi_array_type *, size_t *, void **, napi_value *, size_t *);
napi_status napi_get_value_double(napi_env, napi_value, double *);
napi_status napi_create_int32(napi_env, int32_t, napi_value *);
napi_status napi_create_external_arraybuffer(napi_env, void *, size_t, napi_finalize, void *, napi_value *);
napi_status napi_throw_error(napi_env, const char *, const char *);

enum { MOST_ARGUMENTS = 10 };

static napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

// The arguments of a call; false where there are fewer than `count`.
static bool arguments(napi_env env, napi_info info, size_t count, napi_value *values) {
  size_t given = MOST_ARGUMENTS;
  return napi_get_cb_info(env, info, &given, values, NULL, NULL) == 0 && given >= count;
}

static bool whole_number(napi_env env, napi_value value, int64_t *out) {
  double number;
  if (napi_get_value_double(env, value, &number) != 0 || !(number >= 0 && number < 9e15)) return false;
  *out = (int64_t)number;
  return true;
}

// The content of a typed array of this type.
static bool array(napi_env env, napi_value value, napi_array_type type, void **data, int64_t *length) {
  napi_array_type found;
  size_t count;
  if (napi_get_typedarray_info(env, value, &found, &count, data, NULL, NULL) != 0 || found != type) return false;
  *length = (int64_t)count;
  return true;
}

static int32_t min32(int32_t a, int32_t b) { return a < b ? a : b; }

// ---- memory that two processes share, and pipes

// createMemory(): the descriptor of an empty memory file. A child that inherits it can map it too.
static napi_value create_memory(napi_env env, napi_info info) {
  (void)info;
  const int fd = memfd_create("roomkin-frames", MFD_CLOEXEC);
  napi_value result;
  if (fd < 0) return fail(env, strerror(errno));
  return napi_create_int32(env, fd, &result) == 0 ? result : NULL;
}

static void unmap(napi_env env, void *data, void *hint) {
  (void)env;
  munmap(data, (size_t)(uintptr_t)hint);
}

// mapMemory(fd, offset, bytes, writes): part of a memory file as an ArrayBuffer. With `writes` 1 the file grows to hold it. `offset` is a
// multiple of 64 KiB, which every page size divides.
static napi_value map_memory(napi_env env, napi_info info) {
  napi_value values[MOST_ARGUMENTS], result;
  int64_t fd, offset, bytes, writes;
  if (!arguments(env, info, 4, values) || !whole_number(env, values[0], &fd) || !whole_number(env, values[1], &offset) ||
      !whole_number(env, values[2], &bytes) || !whole_number(env, values[3], &writes) || offset % 65536 != 0 || bytes < 1)
    return fail(env, "mapMemory needs a descriptor, an offset, a size and whether it is written");
  const off_t size = lseek((int)fd, 0, SEEK_END);
  if (size < 0) return fail(env, strerror(errno));
  // Memory past the end of the file would end the process with SIGBUS.
  if (size < offset + bytes && (!writes || ftruncate((int)fd, offset + bytes) != 0))
    return fail(env, writes ? strerror(errno) : "the shared memory is shorter than that");
  void *data = mmap(NULL, (size_t)bytes, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, (int)fd, offset);
  if (data == MAP_FAILED) return fail(env, strerror(errno));
  if (napi_create_external_arraybuffer(env, data, (size_t)bytes, unmap, (void *)(uintptr_t)bytes, &result) == 0) return result;
  munmap(data, (size_t)bytes);
  return fail(env, "this version of Node cannot use shared memory");
}

// createPipe(ends, bytes): a pipe of that size, or smaller where the system does not allow it. ends: Int32Array for the descriptors to
// read from and to write to.
static napi_value create_pipe(napi_env env, napi_info info) {
  napi_value values[MOST_ARGUMENTS];
  int32_t *ends;
  int64_t count, bytes;
  int made[2];
  if (!arguments(env, info, 2, values) || !array(env, values[0], INT32_ARRAY, (void **)&ends, &count) || count < 2 ||
      !whole_number(env, values[1], &bytes))
    return fail(env, "createPipe needs an Int32Array and a size");
  if (pipe2(made, O_CLOEXEC) != 0) return fail(env, strerror(errno));
  (void)fcntl(made[0], F_SETPIPE_SZ, (int)bytes);
  ends[0] = made[0];
  ends[1] = made[1];
  return NULL;
}

// ---- colours: full-range BT.601, factors times 1024 (src/vision/picture.ts)

enum { RED_V = 1436, GREEN_U = 352, GREEN_V = 731, BLUE_U = 1815 };
// Quarters of a level below 0 in a table of levels; the table has three times as many entries.
enum { BELOW = 256 * 4 };

// halve(data, place, table, out): an i420 picture at half its size as RGB (src/vision/halve.ts).
// place: offset and stride of Y, offsets of U and V, their stride, width and height of `out`, columns and rows that stay black, black.
static napi_value halve(napi_env env, napi_info info) {
  napi_value values[MOST_ARGUMENTS];
  const uint8_t *data;
  const int32_t *place;
  const int8_t *table;
  int8_t *out;
  int64_t bytes, places, levels, pixels;
  if (!arguments(env, info, 4, values) || !array(env, values[0], UINT8_ARRAY, (void **)&data, &bytes) ||
      !array(env, values[1], INT32_ARRAY, (void **)&place, &places) || places != 10 ||
      !array(env, values[2], INT8_ARRAY, (void **)&table, &levels) || levels != 3 * BELOW ||
      !array(env, values[3], INT8_ARRAY, (void **)&out, &pixels))
    return fail(env, "halve needs other arguments");
  const int64_t luma_at = place[0], luma_stride = place[1], u_at = place[2], v_at = place[3], chroma_stride = place[4];
  const int64_t width = place[5], height = place[6], right = place[7], down = place[8];
  const int8_t black = (int8_t)place[9];
  const int64_t columns = width - right, rows = height - down;
  if (luma_at < 0 || u_at < 0 || v_at < 0 || luma_stride < 0 || chroma_stride < 0 || right < 0 || down < 0 || columns < 1 ||
      rows < 1 || pixels < width * height * 3 || luma_at + (2 * rows - 1) * luma_stride + 2 * columns > bytes ||
      u_at + (rows - 1) * chroma_stride + columns > bytes || v_at + (rows - 1) * chroma_stride + columns > bytes)
    return fail(env, "halve would leave the picture");
  memset(out, black, (size_t)(down * width * 3));
  for (int64_t row = 0; row < rows; row++) {
    int8_t *to = out + (row + down) * width * 3;
    memset(to, black, (size_t)(right * 3));
    to += right * 3;
    const uint8_t *a = data + luma_at + 2 * row * luma_stride, *b = a + luma_stride;
    const uint8_t *u = data + u_at + row * chroma_stride, *v = data + v_at + row * chroma_stride;
    for (int64_t i = 0; i < columns; i++, to += 3) {
      // four times the level, and half of a 1024th more for rounding
      const int32_t quarters = ((a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1]) << 8) + 128 + (BELOW << 8);
      const int32_t blue = u[i] - 128, red = v[i] - 128;
      to[0] = table[(quarters + RED_V * red) >> 8];
      to[1] = table[(quarters - GREEN_U * blue - GREEN_V * red) >> 8];
      to[2] = table[(quarters + BLUE_U * blue) >> 8];
    }
  }
  return NULL;
}

// ---- a view of a picture as a detector's input (src/vision/resample.ts)

// Which source pixels make up each output pixel along one side, as `packed` of `Taps`.
typedef struct {
  int32_t px, stride, step, from, to;
  const int32_t *first, *count, *inside, *weights;
} Taps;

typedef struct {
  int64_t offset, stride;
  int32_t width, height, channels;
} Plane;

enum { TAPS_HEAD = 5 };

static bool read_taps(napi_env env, napi_value value, int32_t size, Taps *taps) {
  const int32_t *p;
  int64_t length;
  if (!array(env, value, INT32_ARRAY, (void **)&p, &length) || length < TAPS_HEAD) return false;
  *taps = (Taps){.px = p[0], .stride = p[1], .step = p[2], .from = p[3], .to = p[4]};
  const int64_t px = taps->px;
  if (px < 1 || px > 65536 || taps->stride < 1 || taps->stride > 65536 || taps->step < 1 || taps->from < 0 ||
      taps->to < taps->from || taps->to > size || length != TAPS_HEAD + px * (3 + taps->stride))
    return false;
  taps->first = p + TAPS_HEAD;
  taps->count = taps->first + px;
  taps->inside = taps->count + px;
  taps->weights = taps->inside + px;
  for (int32_t i = 0; i < px; i++) {
    const int64_t count = taps->count[i], first = taps->first[i];
    if (count < 0 || count > taps->stride) return false;
    if (count > 0 && (first < taps->from || first + (count - 1) * taps->step >= taps->to)) return false;
  }
  return true;
}

// `bias`: rounding. Halves go up in even rows and down in odd ones, so that the mean brightness stays the same.
static void row_mean(const uint8_t *data, const Plane *plane, const Taps *across, const Taps *down, int32_t j, int32_t bias,
                     uint16_t *restrict sums, uint8_t *restrict means) {
  const int32_t bytes = (across->to - across->from) * plane->channels;
  for (int32_t x = 0; x < bytes; x++) sums[x] = (uint16_t)bias;
  for (int32_t k = 0; k < down->count[j]; k++) {
    const int64_t row = down->first[j] + (int64_t)k * down->step;
    const uint8_t *restrict from = data + plane->offset + row * plane->stride + (int64_t)across->from * plane->channels;
    // The weights of an output pixel add up to at most 256.
    const uint16_t weight = (uint16_t)down->weights[(int64_t)j * down->stride + k];
    for (int32_t x = 0; x < bytes; x++) sums[x] = (uint16_t)(sums[x] + weight * from[x]);
  }
  for (int32_t x = 0; x < bytes; x++) means[x] = (uint8_t)(sums[x] >> 8);
}

// Output pixel `i` of a row of means, times 256.
static int32_t column_sum(const uint8_t *means, int32_t channels, int32_t channel, const Taps *across, int32_t i) {
  const uint8_t *from = means + (int64_t)(across->first[i] - across->from) * channels + channel;
  const int32_t *weights = across->weights + (int64_t)i * across->stride;
  const int32_t next = across->step * channels;
  int32_t sum = 0;
  for (int32_t k = 0; k < across->count[i]; k++) sum += weights[k] * from[k * next];
  return sum;
}

enum { FINE_BITS = 6, HALF = 1 << (FINE_BITS - 1) };

typedef struct {
  int8_t *bytes;  // either this
  float *reals;   // or this
  const void *levels;
} Output;

static void put(const Output *out, int64_t at, int32_t quarter) {
  const int32_t index = BELOW + quarter;
  if (out->bytes != NULL) out->bytes[at] = ((const int8_t *)out->levels)[index];
  else out->reals[at] = ((const float *)out->levels)[index];
}

static bool read_planes(napi_env env, napi_value value, int64_t bytes, Plane *planes, int32_t *count) {
  const int32_t *p;
  int64_t length;
  if (!array(env, value, INT32_ARRAY, (void **)&p, &length) || (length != 5 && length != 15)) return false;
  *count = (int32_t)length / 5;
  for (int32_t i = 0; i < *count; i++) {
    const Plane plane = {p[5 * i], p[5 * i + 1], p[5 * i + 2], p[5 * i + 3], p[5 * i + 4]};
    if (plane.offset < 0 || plane.stride < 0 || plane.width < 1 || plane.height < 1 || plane.channels < 1 || plane.channels > 3 ||
        plane.offset + plane.stride * (plane.height - 1) + (int64_t)plane.width * plane.channels > bytes)
      return false;
    planes[i] = plane;
  }
  return *count == 1 ? planes[0].channels == 3
                     : planes[0].channels == 1 && planes[1].channels == 1 && planes[2].channels == 1;
}

// resample(data, planes, across, down, chromaAcross, chromaDown, levels, out). planes: offset, stride, width, height and channels of each.
// The two taps of chroma are unused in a picture of one plane. levels and out are both Int8Array or both Float32Array.
static napi_value resample(napi_env env, napi_info info) {
  napi_value values[MOST_ARGUMENTS];
  const uint8_t *data;
  int64_t bytes, levels, pixels;
  Plane planes[3];
  int32_t count;
  Taps across, down, chroma_across = {0}, chroma_down = {0};
  Output out = {0};
  if (!arguments(env, info, 8, values) || !array(env, values[0], UINT8_ARRAY, (void **)&data, &bytes) ||
      !read_planes(env, values[1], bytes, planes, &count) || !read_taps(env, values[2], planes[0].width, &across) ||
      !read_taps(env, values[3], planes[0].height, &down))
    return fail(env, "resample needs other arguments");
  const bool whole =
      array(env, values[6], INT8_ARRAY, (void **)&out.levels, &levels) && array(env, values[7], INT8_ARRAY, (void **)&out.bytes, &pixels);
  if (!whole && !(array(env, values[6], FLOAT32_ARRAY, (void **)&out.levels, &levels) &&
                  array(env, values[7], FLOAT32_ARRAY, (void **)&out.reals, &pixels)))
    return fail(env, "resample needs levels and an output of one type");
  if (!whole) out.bytes = NULL;
  const int32_t px = across.px, rows = down.px;
  if (levels != 3 * BELOW || pixels < (int64_t)px * rows * 3) return fail(env, "resample would leave its output");
  if (count == 3 && (!read_taps(env, values[4], min32(planes[1].width, planes[2].width), &chroma_across) ||
                     !read_taps(env, values[5], min32(planes[1].height, planes[2].height), &chroma_down) ||
                     chroma_across.px != px || chroma_down.px != rows))
    return fail(env, "resample needs other taps of chroma");
  const size_t luma_bytes = (size_t)(across.to - across.from) * (size_t)planes[0].channels;
  const size_t chroma_bytes = (size_t)(chroma_across.to - chroma_across.from);
  const size_t widest = luma_bytes > chroma_bytes ? luma_bytes : chroma_bytes;
  uint16_t *sums = malloc(widest * sizeof *sums + luma_bytes + 2 * chroma_bytes + 1);
  if (sums == NULL) return fail(env, "there is no memory");
  uint8_t *luma = (uint8_t *)(sums + widest), *u = luma + luma_bytes, *v = u + chroma_bytes;
  for (int32_t j = 0; j < rows; j++) {
    int64_t at = (int64_t)j * px * 3;
    row_mean(data, &planes[0], &across, &down, j, j % 2 == 0 ? 128 : 127, sums, luma);
    if (count == 1) {
      for (int32_t i = 0; i < px; i++)
        for (int32_t c = 0; c < 3; c++) put(&out, at++, (column_sum(luma, 3, c, &across, i) + HALF) >> FINE_BITS);
      continue;
    }
    row_mean(data, &planes[1], &chroma_across, &chroma_down, j, 128, sums, u);
    row_mean(data, &planes[2], &chroma_across, &chroma_down, j, 127, sums, v);
    for (int32_t i = 0; i < px; i++, at += 3) {
      // 128 * 256 where the whole pixel lies inside
      const int32_t grey = (chroma_down.inside[j] * chroma_across.inside[i]) >> 1;
      const int32_t blue = column_sum(u, 1, 0, &chroma_across, i) - grey, red = column_sum(v, 1, 0, &chroma_across, i) - grey;
      // times 1024, like the factors of chroma
      const int32_t y = (column_sum(luma, 1, 0, &across, i) + HALF) << 10;
      put(&out, at, (y + RED_V * red) >> (FINE_BITS + 10));
      put(&out, at + 1, (y - GREEN_U * blue - GREEN_V * red) >> (FINE_BITS + 10));
      put(&out, at + 2, (y + BLUE_U * blue) >> (FINE_BITS + 10));
    }
  }
  free(sums);
  return NULL;
}

// ---- aligned faces (src/vision/alignment.ts)

enum { ALIGNED_PX = 112, STEPS_BITS = 11, STEPS = 1 << STEPS_BITS };

// One channel of a plane through a similarity transform as [112, 112], not rounded.
static void sampled(const uint8_t *data, const Plane *plane, int32_t channel, const double similarity[4], float *out) {
  const double a = similarity[0], b = similarity[1], tx = similarity[2], ty = similarity[3];
  const double square = a * a + b * b;
  const double fit = floor(1 / sqrt(square));
  const int32_t across = fit < 1 ? 1 : fit > 16 ? 16 : (int32_t)fit;
  const double share = 1.0 / ((double)(across * across) * STEPS * STEPS);
  const int32_t last_x = plane->width - 1, last_y = plane->height - 1;
  const double step_x = a / square, step_y = -b / square;
  memset(out, 0, ALIGNED_PX * ALIGNED_PX * sizeof *out);
  for (int32_t sample = 0; sample < across * across; sample++) {
    const double left = (sample % across + 0.5) / across - 0.5 - tx;
    const double top = (sample / across + 0.5) / across - 0.5 - ty;
    float *to = out;
    for (int32_t row = 0; row < ALIGNED_PX; row++) {
      const double start_x = (a * left + b * (row + top)) / square;
      const double start_y = (a * (row + top) - b * left) / square;
      for (int32_t column = 0; column < ALIGNED_PX; column++, to++) {
        const double x = start_x + column * step_x, y = start_y + column * step_y;
        const int32_t fine_x = (int32_t)((x < 0 ? 0 : x > last_x ? last_x : x) * STEPS);
        const int32_t fine_y = (int32_t)((y < 0 ? 0 : y > last_y ? last_y : y) * STEPS);
        const int32_t x0 = fine_x >> STEPS_BITS, y0 = fine_y >> STEPS_BITS;
        const int32_t fx = fine_x & (STEPS - 1), fy = fine_y & (STEPS - 1);
        const uint8_t *at = data + plane->offset + y0 * plane->stride + (int64_t)x0 * plane->channels + channel;
        const int32_t right = x0 < last_x ? plane->channels : 0;
        const uint8_t *below = y0 < last_y ? at + plane->stride : at;
        const int32_t upper = at[0] * (STEPS - fx) + at[right] * fx;
        const int32_t lower = below[0] * (STEPS - fx) + below[right] * fx;
        *to = (float)(*to + (upper * (STEPS - fy) + lower * fy) * share);
      }
    }
  }
}

static uint8_t clamped(double value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : nearbyint(value)); }

// warp(data, planes, similarity, out): a face of a picture as RGB [112, 112, 3]. similarity: a, b, tx, ty, not zero.
static napi_value warp(napi_env env, napi_info info) {
  napi_value values[MOST_ARGUMENTS];
  const uint8_t *data;
  const double *given;
  uint8_t *out;
  int64_t bytes, numbers, pixels;
  Plane planes[3];
  int32_t count;
  if (!arguments(env, info, 4, values) || !array(env, values[0], UINT8_ARRAY, (void **)&data, &bytes) ||
      !read_planes(env, values[1], bytes, planes, &count) ||
      !array(env, values[2], FLOAT64_ARRAY, (void **)&given, &numbers) || numbers != 4 ||
      !array(env, values[3], UINT8_ARRAY, (void **)&out, &pixels) || pixels < ALIGNED_PX * ALIGNED_PX * 3)
    return fail(env, "warp needs other arguments");
  const double a = given[0], b = given[1], tx = given[2], ty = given[3];
  if (!isfinite(tx) || !isfinite(ty) || !isfinite(a * a + b * b) || !(a * a + b * b > 1e-30))
    return fail(env, "warp needs a similarity transform");
  float *channels = malloc(3 * ALIGNED_PX * ALIGNED_PX * sizeof *channels);
  if (channels == NULL) return fail(env, "there is no memory");
  float *first = channels, *second = first + ALIGNED_PX * ALIGNED_PX, *third = second + ALIGNED_PX * ALIGNED_PX;
  if (count == 1) {
    for (int32_t c = 0; c < 3; c++) sampled(data, &planes[0], c, given, channels + c * ALIGNED_PX * ALIGNED_PX);
    for (int32_t i = 0; i < ALIGNED_PX * ALIGNED_PX; i++) {
      out[3 * i] = (uint8_t)floor((double)first[i] + 0.5);
      out[3 * i + 1] = (uint8_t)floor((double)second[i] + 0.5);
      out[3 * i + 2] = (uint8_t)floor((double)third[i] + 0.5);
    }
  } else {
    // From chroma pixels, whose centres lie between two luma columns and rows.
    const double halved[4] = {2 * a, 2 * b, tx + (a - b) / 2, ty + (a + b) / 2};
    sampled(data, &planes[0], 0, given, first);
    sampled(data, &planes[1], 0, halved, second);
    sampled(data, &planes[2], 0, halved, third);
    for (int32_t i = 0; i < ALIGNED_PX * ALIGNED_PX; i++) {
      const double y = first[i], blue = (double)second[i] - 128, red = (double)third[i] - 128;
      out[3 * i] = clamped(y + 1.402 * red);
      out[3 * i + 1] = clamped(y - 0.344136 * blue - 0.714136 * red);
      out[3 * i + 2] = clamped(y + 1.772 * blue);
    }
  }
  free(channels);
  return NULL;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"createMemory", create_memory}, {"mapMemory", map_memory}, {"createPipe", create_pipe},
                   {"halve", halve},                {"resample", resample},     {"warp", warp}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, strlen(functions[i].name), functions[i].call, NULL, &function) != 0 ||
        napi_set_named_property(env, exports, functions[i].name, function) != 0)
      return NULL;
  }
  return exports;
}
