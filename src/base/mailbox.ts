// One slot, and the newest wins: who makes values never waits, who takes them never sees an old one. What was
// overwritten is counted, not hidden.

export interface Mailbox<T> {
  /** Replaces what was not taken yet. Does nothing after `end` or `discard`. */
  put(value: T): void;
  /** The newest value not yet taken, else the next one; null when nothing will come any more. */
  take(): Promise<T | null>;
  /** Nothing more comes: what lies in the slot can still be taken. */
  end(): void;
  /** Nothing more comes, and what lies in the slot is forgotten. */
  discard(): void;
  /** Values that were overwritten before anybody took them. */
  readonly drops: number;
}

export function createMailbox<T>(): Mailbox<T> {
  let slot: { readonly value: T } | null = null;
  let ended = false;
  let drops = 0;
  const waiting: ((value: T | null) => void)[] = [];
  const close = (): void => {
    ended = true;
    for (const resolve of waiting.splice(0)) resolve(null);
  };
  return {
    put(value) {
      if (ended) return;
      const taker = waiting.shift();
      if (taker) return taker(value);
      if (slot) drops++;
      slot = { value };
    },
    take() {
      const full = slot;
      slot = null;
      if (full) return Promise.resolve(full.value);
      if (ended) return Promise.resolve(null);
      return new Promise((resolve) => waiting.push(resolve));
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
