// The turns of several rooms at one engine. Each room waits at most once at a time and gets its turn in the order of asking, so a busy
// room never has two turns while another waits.

export interface Turns {
  /** Resolves when it is the caller's turn, which lasts until the result is disposed. */
  take(): Promise<Disposable>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    async take() {
      let end = (): void => {};
      const before = last;
      last = new Promise((resolve) => {
        end = resolve;
      });
      await before;
      return { [Symbol.dispose]: end };
    },
  };
}
