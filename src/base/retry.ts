// How long to wait before something that failed is tried again.
import { type Clock, systemClock } from './clock.js';

export interface BackoffOptions {
  /** The wait after the first failure, milliseconds. It doubles with each further failure. */
  readonly firstMs: number;
  /** The longest wait, milliseconds, before it is scattered. */
  readonly mostMs: number;
  /** Share of the wait, 0 to 1, by which it is scattered evenly either way: what failed together is not tried together. Default 0. */
  readonly jitter?: number;
  /** There is no wait while fewer than `count` tries lie within the last `withinMs` milliseconds. Default: there always is one. */
  readonly free?: { readonly count: number; readonly withinMs: number };
  /** 0 (inclusive) to 1. */
  readonly random?: () => number;
  readonly clock?: Clock;
}

export interface Backoff {
  /** Counts a try that failed, or may fail, and gives the milliseconds until the next one is due. */
  failed(): number;
  /** Milliseconds until the next try is due; 0 now. */
  waitMs(): number;
  /** The thing works: the next wait is the first again. */
  reset(): void;
}

export function createBackoff(options: BackoffOptions): Backoff {
  const { firstMs, mostMs, jitter = 0, free = { count: 0, withinMs: 0 } } = options;
  const { random = Math.random, clock = systemClock } = options;
  let recent: number[] = [];
  let failures = 0;
  let dueMs = Number.NEGATIVE_INFINITY;

  function isFree(nowMs: number): boolean {
    recent = recent.filter((triedMs) => nowMs - triedMs < free.withinMs);
    return recent.length < free.count;
  }

  return {
    failed() {
      const nowMs = clock.monotonicMs();
      const wait = Math.min(mostMs, firstMs * 2 ** failures);
      failures += 1;
      recent.push(nowMs);
      const scattered = Math.round(wait * (1 - jitter + 2 * jitter * random()));
      dueMs = nowMs + scattered;
      return isFree(nowMs) ? 0 : scattered;
    },
    waitMs() {
      const nowMs = clock.monotonicMs();
      return isFree(nowMs) ? 0 : Math.max(0, dueMs - nowMs);
    },
    reset() {
      failures = 0;
      recent = [];
      dueMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Work that is tried at once and, while it fails, again later. Disposing it ends the tries. */
export interface Retried extends Disposable {
  /** Tries now. True when it worked. If not, it is tried again after a wait. */
  now(): boolean;
  /** The last try failed, and another one is due. */
  readonly isDue: boolean;
}

/** `work` says whether it worked, and never throws. The waits do not keep the process alive. */
export function createRetried(work: () => boolean, options: BackoffOptions): Retried {
  const retries = createBackoff(options);
  let timer: NodeJS.Timeout | undefined;

  function now(): boolean {
    clearTimeout(timer);
    timer = undefined;
    const isDone = work();
    if (isDone) retries.reset();
    else timer = setTimeout(now, retries.failed()).unref();
    return isDone;
  }

  return {
    now,
    get isDue() {
      return timer !== undefined;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
