// TFLite external-delegate plug-in that provides the XNNPACK delegate.
//
// Invariant: the delegate comes from the library that runs the models. That library (TFLite 2.9.0 inside
// tfjs-tflite-node) contains XNNPACK but uses it only on request, and the Node binding can only request "external"
// delegates. These two functions are the interface of an external delegate.
//
// It also maps models, which the binding would copy. The engine loads this library before the binding and for all symbols, so that the
// binding's calls of the two functions at the end of this file come here. XNNPACK packs the weights into memory of its own, and after that
// nothing reads the file again: its pages leave the process, and come back from the file if they are read.
//
// Source: tensorflow/lite/delegates/external/external_delegate.cc, xnnpack/xnnpack_delegate.h and c/c_api.h at v2.9.0.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

typedef struct TfLiteDelegate TfLiteDelegate;

// The library reads the fields in this order. The reserved tail stays zero, because the library may read more fields.
typedef struct {
  int32_t num_threads;
  uint32_t flags;
  void *reserved[6];
} XnnpackOptions;

enum { FLAG_QS8 = 1, FLAG_QU8 = 2 };  // int8 and uint8 operators; without them XNNPACK takes only float models

TfLiteDelegate *TfLiteXNNPackDelegateCreate(const XnnpackOptions *options);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate *delegate);

#define EXPORT __attribute__((visibility("default")))

EXPORT TfLiteDelegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                                     void (*report)(const char *)) {
  XnnpackOptions options = {0};
  options.num_threads = 1;
  options.flags = FLAG_QS8 | FLAG_QU8;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(keys[i], "num_threads") == 0) options.num_threads = atoi(values[i]);
  }
  TfLiteDelegate *delegate = TfLiteXNNPackDelegateCreate(&options);
  if (delegate == NULL && report != NULL) {
    report("XNNPACK did not start: it must be able to read /proc/cpuinfo and /sys/devices/system/cpu");
  }
  return delegate;
}

EXPORT void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate) { TfLiteXNNPackDelegateDelete(delegate); }

// Node loads no library without this function of a Node add-on. It adds nothing.
EXPORT void *napi_register_module_v1(void *env, void *exports) {
  (void)env;
  return exports;
}

// What the engine gives to the binding in place of a model: this text and the number of an open file.
static const char map_prefix[] = "roomkin-map:";

// The newest mapped model. The engine loads one after the other, and never frees one.
static void *mapped;
static size_t mapped_bytes;

// The function of the library that this one hides.
static void *library_function(const char *name) {
  void *library = dlopen("libtensorflowlite_c.so", RTLD_NOW | RTLD_NOLOAD);
  return library == NULL ? NULL : dlsym(library, name);
}

// NULL, as from the library, where the file cannot be mapped: the binding throws.
EXPORT void *TfLiteModelCreate(const void *data, size_t size) {
  void *(*create)(const void *, size_t);
  *(void **)&create = library_function("TfLiteModelCreate");
  if (create == NULL) return NULL;
  const size_t prefix = sizeof map_prefix - 1;
  if (size <= prefix || size > prefix + 10 || memcmp(data, map_prefix, prefix) != 0) return create(data, size);
  char number[11] = {0};
  memcpy(number, (const char *)data + prefix, size - prefix);
  const int file = atoi(number);
  struct stat status;
  if (fstat(file, &status) != 0 || status.st_size <= 0) return NULL;
  mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) {
    mapped = NULL;
    return NULL;
  }
  mapped_bytes = (size_t)status.st_size;
  return create(mapped, mapped_bytes);
}

// The binding calls it once for each model, when XNNPACK has packed the weights.
EXPORT int TfLiteInterpreterAllocateTensors(void *interpreter) {
  int (*allocate)(void *);
  *(void **)&allocate = library_function("TfLiteInterpreterAllocateTensors");
  if (allocate == NULL) return 1;  // kTfLiteError
  const int result = allocate(interpreter);
  if (mapped != NULL) madvise(mapped, mapped_bytes, MADV_DONTNEED);
  malloc_trim(0);
  mapped = NULL;
  return result;
}
