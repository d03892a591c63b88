// A mailbox has one slot, which holds the newest value. The producer never waits and the consumer never gets an old value.
// Overwritten values are counted.

export interface Mailbox<T> {
  /** Replaces the value that was not taken yet. Does nothing after `end` or `discard`. */
  put(value: T): void;
  /** The newest value that was not taken yet, else the next one; null when no more values come. */
  take(): Promise<T | null>;
  /** A value that came since the last `take`, which then counts as dropped; null where there is none. */
  exchange(): T | null;
  /** No more values come. The value in the slot can still be taken. */
  end(): void;
  /** No more values come, and the value in the slot is dropped. */
  discard(): void;
  /** How many values were overwritten before they were taken. */
  readonly drops: number;
}

export function createMailbox<T>(): Mailbox<T> {
  let slot: { readonly value: T } | null = null;
  let ended = false;
  let drops = 0;
  const takers: ((value: T | null) => void)[] = [];
  const close = (): void => {
    ended = true;
    for (const resolve of takers.splice(0)) resolve(null);
  };
  return {
    put(value) {
      if (ended) return;
      const taker = takers.shift();
      if (taker) return taker(value);
      if (slot) drops++;
      slot = { value };
    },
    take() {
      const newest = slot;
      slot = null;
      if (newest) return Promise.resolve(newest.value);
      if (ended) return Promise.resolve(null);
      return new Promise((resolve) => takers.push(resolve));
    },
    exchange() {
      const newest = slot;
      slot = null;
      if (newest === null) return null;
      drops++;
      return newest.value;
    },
    end: close,
    discard() {
      slot = null;
      close();
    },
    get drops() {
      return drops;
    },
  };
}
