// The gallery as a daemon reads it: again after each change by this or another process, with its snapshots, and with the names that the
// log may hide.
import { sentenceOf } from '../base/errors.js';
import type { Problems } from '../base/problems.js';
import { createBackoff } from '../base/retry.js';
import type { Config } from '../config/load.js';
import type { Gallery } from '../gallery/person.js';
import type { Store } from '../store/store.js';
import { isWritable } from '../store/unwritable.js';

/** How often a snapshot of the gallery is considered, milliseconds. One is written an hour at most. */
const snapshotCheckMs = 600_000;
/** How often a disk that could not be written at the start is tried again, milliseconds: first, and at most. */
const diskRetryMs = { first: 5_000, most: 60_000 };

/** Names and ids of everybody who was enrolled in this run, also of those who were forgotten since. */
export function createKnownNames(): { readonly names: () => ReadonlySet<string>; follow(store: Store): void } {
  const known = new Set<string>();
  let followed: Store | null = null;
  let version = -1;
  return {
    names() {
      try {
        if (followed !== null && followed.version !== version) {
          for (const name of followed.names()) known.add(name);
          version = followed.version;
        }
      } catch {
        // The gallery cannot be read or is closed: those who were known before are hidden.
      }
      return known;
    },
    follow(store) {
      followed = store;
    },
  };
}

/** Keeps the snapshots of the gallery up to date, also for changes of verbs. */
export function keepSnapshots(store: Store, problems: Problems): Disposable {
  const keep = (): void => void problems.attempt('snapshots', () => store.keepSnapshots());
  keep();
  const timer = setInterval(keep, snapshotCheckMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}

/** Asks for a new run when a disk that could not be written at the start can be written. */
export function watchDisk(config: Config, store: Store, problems: Problems, restart: () => void): Disposable {
  if (store.unwritable === null) return { [Symbol.dispose]() {} };
  problems.report('gallery', `${store.unwritable}; people are recognised as before, nothing can be changed`);
  const retries = createBackoff({ firstMs: diskRetryMs.first, mostMs: diskRetryMs.most });
  let timer = setTimeout(check, retries.failed());
  function check(): void {
    if (isWritable(config.store.directory)) restart();
    else timer = setTimeout(check, retries.failed());
  }
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}

export interface GalleryReader {
  /** The calibrated gallery. Reads it again after a change by this or another process; cheap otherwise. */
  readonly current: () => Gallery;
  /** `listener` is called after each reading from now on. */
  onChange(listener: (gallery: Gallery) => void): void;
}

export function createGalleryReader(
  store: Pick<Store, 'version' | 'unwritable'>,
  read: () => Gallery,
  problems: Problems,
): GalleryReader {
  const listeners: ((gallery: Gallery) => void)[] = [];
  let version = -1;
  let gallery: Gallery | null = null;
  let isBroken = false;

  function refresh(): Gallery {
    const present = store.version;
    if (gallery !== null && present === version) return gallery;
    const next = read();
    version = present;
    gallery = next;
    tell(next);
    return next;
  }

  /** A listener that fails keeps the change from no other: each room erases what mentions somebody who was forgotten. */
  function tell(next: Gallery): void {
    const errors: unknown[] = [];
    for (const listener of listeners) {
      try {
        listener(next);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  return {
    current() {
      try {
        const next = refresh();
        if (isBroken && store.unwritable === null) problems.solve('gallery');
        isBroken = false;
        return next;
      } catch (error) {
        if (gallery === null) throw error;
        isBroken = true;
        problems.report('gallery', `${sentenceOf(error)}; the people who were read before are still recognised`);
        return gallery;
      }
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}
