// TFLite external-delegate plug-in that provides the XNNPACK delegate.
//
// Invariant: the delegate comes from the library that runs the models. That library (TFLite 2.9.0 inside
// tfjs-tflite-node) contains XNNPACK but uses it only on request, and the Node binding can only request "external"
// delegates. These two functions are the interface of an external delegate.
//
// Source: tensorflow/lite/delegates/external/external_delegate.cc and xnnpack/xnnpack_delegate.h at v2.9.0.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
