// One gallery in all rooms: what changes here goes to the broker sealed, what other rooms leave there comes in. The broker keeps the
// newest message of each person, so a room that was off hears what it missed, a forgetting too. After each connection a room listens
// first and then says only what the broker does not have or has older: the rooms do not talk each other down.
import { RoomkinError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { createBackoff } from '../base/retry.js';
import type { Config } from '../config/load.js';
import { defaultManifestPath, readManifest } from '../engine/manifest.js';
import type { Journal } from '../journal/journal.js';
import type { Publisher } from '../mqtt/publisher.js';
import type { Store } from '../store/store.js';
import { createHouseholdSeal } from './key.js';
import { createSharedPeople, type SharedPeople, type Taken } from './people.js';
import { isNewer, mostSharedPeople, type Version } from './version.js';

export interface GallerySharing extends Disposable {
  /** The gallery is another than it was: says so to the other rooms, if it was changed here. */
  changed(): void;
}

export interface GallerySharingOptions {
  readonly people: SharedPeople;
  readonly publisher: Pick<Publisher, 'share' | 'onShared' | 'status'>;
  /** The gallery was changed by another room. */
  readonly onTaken: () => void;
  readonly log: Log;
  /** How long a room listens before it speaks, milliseconds: at least, and how much more by chance. */
  readonly listenMs?: readonly [least: number, more: number];
  /** After a fault of the disk it is tried again so much later, milliseconds. */
  readonly retryMs?: number;
}

const warnings: Readonly<Record<Extract<Taken, { type: 'refused' }>['why'], string>> = {
  foreign: 'does not open with the key of this room: compare `roomkin household` in every room',
  malformed: 'is not as this roomkin knows it: have the same version in every room',
  large: 'is larger than any person',
  crowd: `would be one of more than ${mostSharedPeople} people`,
};

/** So often a version is offered to a broker that does not take it. */
const mostFailures = 3;

/** Belongs to a publisher that is not started yet. Never throws for what a broker, a disk or another room does. */
export function createGallerySharing(options: GallerySharingOptions): GallerySharing {
  const { people, publisher, onTaken, log, listenMs = [2_000, 2_000], retryMs = 60_000 } = options;
  const warned = new Set<string>();
  /** What the broker has, as far as we were told since the connection. */
  const held = new Map<string, Version>();
  /** Whose message at the broker made no sense, and was replaced since the connection. */
  const restored = new Set<string>();
  /** What the broker did not take; a broker that hangs up at a large message would else never let this room stay. */
  const failures = new Map<string, { readonly digest: string; readonly count: number }>();
  /** What was heard while the disk failed. */
  const missed = new Map<string, Buffer>();
  const retries = createBackoff({ firstMs: retryMs, mostMs: retryMs });
  let listening: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;
  let maySpeak = false;
  let speaking = false;
  let again = false;
  let over = false;

  function warnOnce(what: string, sentence: string): void {
    log(warned.has(what) ? 'debug' : 'warning', sentence);
    warned.add(what);
  }

  /** `work` with the gallery; null where the disk fails. */
  function attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof RoomkinError)) throw error;
      warnOnce('disk', `the people that rooms share wait for the disk: ${error.message}`);
      retrying ??= setTimeout(retry, retries.failed());
      return null;
    }
  }

  function retry(): void {
    retrying = undefined;
    const heard = [...missed];
    missed.clear();
    for (const [name, sealed] of heard) hear(name, sealed);
    if (maySpeak) void speak();
  }

  function listen(): void {
    clearTimeout(listening);
    listening = setTimeout(
      () => {
        maySpeak = true;
        void speak();
      },
      listenMs[0] + Math.random() * listenMs[1],
    );
  }

  async function speak(): Promise<void> {
    again = true;
    if (speaking) return;
    speaking = true;
    while (again && maySpeak && !over) {
      again = false;
      await sayWhatIsNew();
    }
    speaking = false;
  }

  function failuresOf(name: string, { digest }: Version): number {
    const failed = failures.get(name);
    return failed?.digest === digest ? failed.count : 0;
  }

  async function sayWhatIsNew(): Promise<void> {
    const beyond = attempt(() => people.fold());
    if (beyond === null) return;
    if (beyond.length > 0)
      warnOnce('beyond', `rooms share ${mostSharedPeople} people at most: ${beyond.join(', ')} stay in this room`);
    let refused = 0;
    for (const [name, version] of attempt(() => people.versions()) ?? []) {
      // What was missed may be newer than ours.
      if (over || missed.has(name) || !isNewer(version, held.get(name) ?? null)) continue;
      if (failuresOf(name, version) >= mostFailures) {
        warnOnce(`refused ${name}`, 'the broker takes somebody not at all: check its ACL and its largest message');
        continue;
      }
      const message = attempt(() => people.message(name));
      if (message?.type === 'stale') again = true;
      if (message?.type === 'large')
        warnOnce(
          `large ${name}`,
          `${message.name} has too many photos to be shared: roomkin people --check says which`,
        );
      if (message?.type === 'damaged')
        warnOnce(`damaged ${name}`, `${message.name} is not shared: a photo is damaged, enrol it again`);
      if (message?.type !== 'sealed') continue;
      const before = held.get(name);
      if (!(await publisher.share(name, message.bytes))) {
        failures.set(name, { digest: version.digest, count: failuresOf(name, version) + 1 });
        refused += 1;
        // One may be too large for it; who is refused twice is refused everything.
        if (refused > 1 || !publisher.status().connected) return;
        continue;
      }
      failures.delete(name);
      // Another room may have spoken meanwhile; whose message the broker has then is not known, so theirs is taken to be.
      if (held.get(name) === before) held.set(name, version);
    }
  }

  function hear(name: string, sealed: Buffer): void {
    if (over) return;
    if (sealed.length === 0) {
      restore(name);
      return;
    }
    const taken = attempt(() => people.take(name, sealed));
    if (taken === null) {
      missed.set(name, sealed);
      return;
    }
    missed.delete(name);
    if (taken.type === 'refused') {
      warnOnce(taken.why, `what another room says of somebody ${warnings[taken.why]}; it is ignored`);
      restore(name);
      return;
    }
    held.set(name, taken.version);
    if (taken.type === 'older' && maySpeak) {
      log('debug', 'an old version of somebody was said again and is ignored');
      listen();
    }
    if (taken.type !== 'taken') return;
    report(taken);
    onTaken();
  }

  /** What the broker has of somebody is nothing, or no sense: ours belongs there. Once, or two rooms of two versions never end. */
  function restore(name: string): void {
    held.delete(name);
    if (maySpeak && !restored.has(name)) listen();
    restored.add(name);
  }

  publisher.onShared({
    connected() {
      held.clear();
      restored.clear();
      maySpeak = false;
      listen();
    },
    message: hear,
  });

  function report({ name, version, overruled, erased }: Extract<Taken, { type: 'taken' }>): void {
    const { forgotten, room } = version.stamp;
    if (name !== null) log('notice', `${name} was ${forgotten ? 'forgotten' : 'changed'} in ${room}, and so here`);
    if (overruled) log('warning', `${name} was changed here and in ${room} at once: what ${room} says counts`);
    if (!erased) log('warning', 'another process keeps the log of the gallery open, erased bytes stay in it for now');
  }

  return {
    changed() {
      if (maySpeak) void speak();
    },
    [Symbol.dispose]() {
      over = true;
      clearTimeout(listening);
      clearTimeout(retrying);
    },
  };
}

// Opens the sharing of the gallery where this room has the household's key: what is sealed by whom, and which vectors fit.

export interface ShareGalleryParts {
  readonly config: Pick<Config, 'household' | 'room'>;
  /** The household's key; null shares nothing. */
  readonly key: Buffer | null;
  readonly store: Store;
  readonly journal: Pick<Journal, 'forget'>;
  readonly publisher: Publisher;
  readonly onTaken: () => void;
  readonly log: Log;
}

/** Belongs before the publisher's start. null where this room has no key. Errors: MODEL_MISSING, MODEL_HASH, DATABASE. */
export function shareGallery({ config, key, store, journal, ...parts }: ShareGalleryParts): GallerySharing | null {
  if (key === null) return null;
  return createGallerySharing({
    ...parts,
    people: sharedPeople(config, key, store, (person) => journal.forget(person)),
  });
}

/** The people of `store` as the rooms of the household share them. */
export function sharedPeople(
  { household, room }: Pick<Config, 'household' | 'room'>,
  key: Buffer,
  store: Store,
  onErase?: (person: string) => void,
  manifestPath = defaultManifestPath,
): SharedPeople {
  const { embedders } = readManifest(manifestPath);
  return createSharedPeople(store.connection, {
    household: createHouseholdSeal(key, household.id),
    room: room.id,
    dimensions: new Map(embedders.map(({ space, dimension }) => [space, dimension])),
    ...(onErase ? { onErase } : {}),
  });
}
