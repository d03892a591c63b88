// Small values that the daemon remembers over restarts. A value takes effect in memory at once. It is written when it differs from
// what is on disk, in a thread of its own, and again later where the disk fails. So neither a full nor a slow disk ever stops what the
// value is about.
import { sentenceOf } from '../base/errors.js';
import type { Problems } from '../base/problems.js';
import { createRetried } from '../base/retry.js';
import type { Store } from './store.js';

export interface Settings extends Disposable {
  /** null if it was never set. The last value that was remembered, even where it could not be written yet. */
  get(key: string): string | null;
  /** Counts at once. Resolves when it is on the disk, or when the disk has failed for now. Never rejects. */
  remember(key: string, value: string): Promise<void>;
}

/** After a disk that fails, a setting is written again after this time, milliseconds: first, and at most. */
const retryMs = { first: 1_000, most: 30_000 };

export function createSettings(
  store: Pick<Store, 'setting' | 'setSetting' | 'setSettingLater'>,
  problems: Problems,
): Settings {
  const known = new Map<string, string | null>();
  const unwritten = new Set<string>();

  async function write(): Promise<boolean> {
    const isWritten = await problems.attemptAsync('settings', async () => {
      for (;;) {
        const [key] = unwritten;
        if (key === undefined) return true;
        const value = known.get(key) ?? null;
        await store.setSettingLater(key, value);
        if (known.get(key) === value) unwritten.delete(key);
      }
    });
    return isWritten === true;
  }
  /** The present or the last try. */
  let present = Promise.resolve();
  const writing = createRetried(write, { firstMs: retryMs.first, mostMs: retryMs.most });

  function get(key: string): string | null {
    if (known.has(key)) return known.get(key) ?? null;
    try {
      const stored = store.setting(key);
      known.set(key, stored);
      return stored;
    } catch (error) {
      // Not remembered as null: the next call may be able to read it.
      problems.report('settings', sentenceOf(error));
      return null;
    }
  }

  return {
    get,
    remember(key, value) {
      if (get(key) === value) return Promise.resolve();
      known.set(key, value);
      unwritten.add(key);
      if (!writing.isPending) present = writing.now().then(() => {});
      return present;
    },
    [Symbol.dispose]() {
      writing[Symbol.dispose]();
      if (unwritten.size === 0) return;
      problems.attempt('settings', () => {
        for (const key of unwritten) store.setSetting(key, known.get(key) ?? null);
      });
    },
  };
}
