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
  /** Tries now, also while an earlier try goes on. Resolves with whether it worked. If not, it is tried again after a wait. */
  now(): Promise<boolean>;
  /** A try goes on, or the last one failed and another one is due. */
  readonly isPending: boolean;
}

/** `work` resolves with whether it worked, and never rejects. The waits do not keep the process alive. */
export function createRetried(work: () => Promise<boolean>, options: BackoffOptions): Retried {
  const retries = createBackoff(options);
  let timer: NodeJS.Timeout | undefined;
  /** Number of the newest try. Only its result counts. */
  let newest = 0;
  let running = 0;
  let isDisposed = false;

  async function now(): Promise<boolean> {
    clearTimeout(timer);
    timer = undefined;
    newest += 1;
    running += 1;
    const mine = newest;
    const isDone = await work();
    running -= 1;
    if (mine !== newest || isDisposed) return isDone;
    if (isDone) retries.reset();
    else timer = setTimeout(now, retries.failed()).unref();
    return isDone;
  }

  return {
    now,
    get isPending() {
      return running > 0 || timer !== undefined;
    },
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
