// Small values that the daemon remembers over restarts. A value takes effect in memory at once. It is written when it differs from
// what is on disk, and again later where the disk fails, so a full disk never stops what the value is about.
import { sentenceOf } from '../base/errors.js';
import type { Problems } from '../base/problems.js';
import { createRetried } from '../base/retry.js';
import type { Store } from './store.js';

export interface Settings extends Disposable {
  /** null if it was never set. The last value that was remembered, even where it could not be written yet. */
  get(key: string): string | null;
  /** Never throws. */
  remember(key: string, value: string): void;
}

/** After a disk that fails, a setting is written again after this time, milliseconds: first, and at most. */
const retryMs = { first: 1_000, most: 30_000 };

export function createSettings(store: Pick<Store, 'setting' | 'setSetting'>, problems: Problems): Settings {
  const known = new Map<string, string | null>();
  const unwritten = new Set<string>();

  function write(): boolean {
    return (
      problems.attempt('settings', () => {
        for (const key of [...unwritten]) {
          store.setSetting(key, known.get(key) ?? null);
          unwritten.delete(key);
        }
        return true;
      }) === true
    );
  }
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
      if (get(key) === value) return;
      known.set(key, value);
      unwritten.add(key);
      if (!writing.isDue) writing.now();
    },
    [Symbol.dispose]() {
      writing[Symbol.dispose]();
      if (unwritten.size > 0) write();
    },
  };
}
