// The library for JPEG and other picture files. A daemon with the camera of a Pi gets raw frames, and encodes a picture only when somebody
// asks for one: until then 8 MB of memory are saved.
type Sharp = typeof import('sharp').default;

let loading: Promise<Sharp> | null = null;

/** It keeps no decoded pixels of earlier pictures, and one thread's buffers only. */
export function loadSharp(): Promise<Sharp> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loading;
}
