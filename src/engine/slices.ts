// The analysis of a photo in slices, so that frames of the camera pass between them. A slice is a few passes of a model. An analysis that
// pauses is begun again from its start, with what was computed before: passes are most of its cost, and what joins them is cheap.
//
// Invariant: the analysis calls `once` in the same order in every run, because the frame and the request are the same.

/** Thrown by `once` when the slice is over. */
class SliceOver extends Error {}

export interface SlicedWork<T> {
  /** Goes on for about `sliceMs`. The result, or null where another slice is needed. */
  goOn(sliceMs: number): { readonly result: T } | null;
}

/** Runs `compute` the first time, and gives the same value in every later run. */
export type Once = <V>(compute: () => V) => V;

/** `Once` for work that is done in one go. */
export const always: Once = (compute) => compute();

export function inSlices<T>(work: (once: Once) => T, nowMs: () => number = () => performance.now()): SlicedWork<T> {
  const values: unknown[] = [];
  return {
    goOn(sliceMs) {
      let next = 0;
      const before = values.length;
      const endMs = nowMs() + sliceMs;
      const once: Once = (compute) => {
        if (next === values.length) {
          // Each slice computes something, however slow the machine is.
          if (values.length > before && nowMs() >= endMs) throw new SliceOver();
          values.push(compute());
        }
        return values[next++] as ReturnType<typeof compute>;
      };
      try {
        return { result: work(once) };
      } catch (error) {
        if (error instanceof SliceOver) return null;
        throw error;
      }
    },
  };
}
