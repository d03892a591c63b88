// Synchronises the gallery between rooms over the broker. Local changes are published sealed, and messages of other rooms are applied.
// The broker retains the newest message of each person, so a room that was off receives what it missed, including a forgotten person.
// After each connection a room first listens and then publishes only what the broker lacks or has in an older version, so that rooms do
// not overwrite newer messages.
import { RoomkinError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { createBackoff } from '../base/retry.js';
import type { Config } from '../config/load.js';
import { defaultManifestPath, readManifest } from '../engine/manifest.js';
import type { Journal } from '../journal/journal.js';
import type { Publisher } from '../mqtt/publisher.js';
import type { Store } from '../store/store.js';
import { createHouseholdSeal, type HouseholdKey } from './key.js';
import { createSharedPeople, type ReceiveResult, type SharedPeople } from './people.js';
import { isNewer, mostSharedPeople, type Version } from './version.js';

export interface GallerySharing extends Disposable {
  /** Call after the gallery changed: publishes the changes of this room. */
  changed(): void;
}

export interface GallerySharingOptions {
  readonly people: SharedPeople;
  readonly publisher: Pick<Publisher, 'share' | 'onShared' | 'status'>;
  /** Called after another room changed the gallery. */
  readonly onReceived: () => void;
  readonly log: Log;
  /** How long a room listens before it publishes, milliseconds: the minimum, and the range of a random addition. */
  readonly listenMs?: readonly [least: number, more: number];
  /** Wait after a disk fault before the next attempt, milliseconds. */
  readonly retryMs?: number;
}

const warnings: Readonly<Record<Extract<ReceiveResult, { type: 'refused' }>['why'], string>> = {
  foreign: 'does not open with the key of this room: compare `roomkin household` in every room',
  malformed: 'has an unknown form: install the same version of roomkin in every room',
  large: 'is larger than the largest person',
  crowd: `would exceed the limit of ${mostSharedPeople} people: forget people who are no longer needed`,
};

/** How often a version is published to a broker that refuses it. */
const mostFailures = 3;

/** Create it before the publisher starts. Faults of the broker, the disk or another room never throw. */
export function createGallerySharing(options: GallerySharingOptions): GallerySharing {
  const { people, publisher, onReceived: onTaken, log, listenMs = [2_000, 2_000], retryMs = 60_000 } = options;
  const warned = new Set<string>();
  /** Versions at the broker, as far as they are known since the connection. */
  const retained = new Map<string, Version>();
  /** Names whose invalid message at the broker was replaced since the connection. */
  const restored = new Set<string>();
  /** Refused versions. Without this count a broker that disconnects at a large message would disconnect this room again and again. */
  const failures = new Map<string, { readonly digest: string; readonly count: number }>();
  /** Messages received while the disk failed. */
  const deferred = new Map<string, Buffer>();
  const retries = createBackoff({ firstMs: retryMs, mostMs: retryMs });
  let listening: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;
  let mayPublish = false;
  let publishing = false;
  let publishAgain = false;
  let disposed = false;

  function warnOnce(topic: string, sentence: string): void {
    log(warned.has(topic) ? 'debug' : 'warning', sentence);
    warned.add(topic);
  }

  /** Runs `work` on the gallery; null if the disk fails. */
  function attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof RoomkinError)) throw error;
      warnOnce('disk', `sharing the gallery waits for the disk: ${error.message}`);
      retrying ??= setTimeout(retry, retries.failed());
      return null;
    }
  }

  function retry(): void {
    retrying = undefined;
    const messages = [...deferred];
    deferred.clear();
    for (const [name, sealed] of messages) receive(name, sealed);
    if (mayPublish) void publish();
  }

  function listen(): void {
    clearTimeout(listening);
    listening = setTimeout(
      () => {
        mayPublish = true;
        void publish();
      },
      listenMs[0] + Math.random() * listenMs[1],
    );
  }

  async function publish(): Promise<void> {
    publishAgain = true;
    if (publishing) return;
    publishing = true;
    while (publishAgain && mayPublish && !disposed) {
      publishAgain = false;
      await publishNewVersions();
    }
    publishing = false;
  }

  function failuresOf(name: string, { digest }: Version): number {
    const failure = failures.get(name);
    return failure?.digest === digest ? failure.count : 0;
  }

  async function publishNewVersions(): Promise<void> {
    const beyond = attempt(() => people.recordChanges());
    if (beyond === null) return;
    if (beyond.length > 0)
      warnOnce('beyond', `rooms share at most ${mostSharedPeople} people: ${beyond.join(', ')} are not shared`);
    let refused = 0;
    for (const [name, version] of attempt(() => people.versions()) ?? []) {
      // A deferred message may be newer than the version here.
      if (disposed || deferred.has(name) || !isNewer(version, retained.get(name) ?? null)) continue;
      if (failuresOf(name, version) >= mostFailures) {
        warnOnce(`refused ${name}`, 'the broker refuses the data of a person: check its ACL and its largest message');
        continue;
      }
      const message = attempt(() => people.message(name));
      if (message?.type === 'stale') publishAgain = true;
      if (message?.type === 'large')
        warnOnce(
          `large ${name}`,
          `${message.name} has too many photos to be shared: roomkin people --check shows which photos to remove`,
        );
      if (message?.type === 'damaged')
        warnOnce(`damaged ${name}`, `${message.name} is not shared: a photo is damaged, enrol it again`);
      if (message?.type !== 'sealed') continue;
      const before = retained.get(name);
      if (!(await publisher.share(name, message.bytes))) {
        failures.set(name, { digest: version.digest, count: failuresOf(name, version) + 1 });
        refused += 1;
        // One may be too large for it; who is refused twice is refused everything.
        if (refused > 1 || !publisher.status().connected) return;
        continue;
      }
      failures.delete(name);
      // Another room may have published meanwhile. It is unknown whose message the broker retains, so assume that of the other room.
      if (retained.get(name) === before) retained.set(name, version);
    }
  }

  function receive(name: string, sealed: Buffer): void {
    if (disposed) return;
    if (sealed.length === 0) {
      restore(name);
      return;
    }
    const result = attempt(() => people.receive(name, sealed));
    if (result === null) {
      deferred.set(name, sealed);
      return;
    }
    deferred.delete(name);
    if (result.type === 'refused') {
      warnOnce(result.why, `the message of another room about a person ${warnings[result.why]}; it is ignored`);
      restore(name);
      return;
    }
    retained.set(name, result.version);
    if (result.type === 'older' && mayPublish) {
      log('debug', 'an old version of a person was received and is ignored');
      listen();
    }
    if (result.type !== 'accepted') return;
    report(result);
    onTaken();
  }

  /**
   * The broker has no message about a person or an invalid one: publish the version of this room. Only once per connection, because two
   * rooms with different versions of roomkin would otherwise replace each other's messages forever.
   */
  function restore(name: string): void {
    retained.delete(name);
    if (mayPublish && !restored.has(name)) listen();
    restored.add(name);
  }

  publisher.onShared({
    connected() {
      retained.clear();
      restored.clear();
      mayPublish = false;
      listen();
    },
    message: receive,
  });

  function report({ name, version, overruled, erased }: Extract<ReceiveResult, { type: 'accepted' }>): void {
    const { forgotten, room } = version.stamp;
    if (name !== null)
      log('notice', `${name} was ${forgotten ? 'forgotten' : 'changed'} in ${room}, and therefore also here`);
    if (overruled)
      log('warning', `${name} was changed here and in ${room} at the same time: the change of ${room} is kept`);
    if (!erased)
      log(
        'warning',
        'another process keeps the log of the gallery open: erased bytes stay in it until the next change',
      );
  }

  return {
    changed() {
      if (mayPublish) void publish();
    },
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(listening);
      clearTimeout(retrying);
    },
  };
}

// Opens the sharing of the gallery if this room has the household key.

export interface ShareGalleryParts {
  readonly config: Pick<Config, 'household' | 'room'>;
  /** The household key; null if this room shares nothing. */
  readonly key: HouseholdKey | null;
  readonly store: Store;
  readonly journal: Pick<Journal, 'forget'>;
  readonly publisher: Publisher;
  readonly onReceived: () => void;
  readonly log: Log;
}

/** Call it before the publisher starts. null if this room has no key. Errors: MODEL_MISSING, MODEL_HASH, DATABASE. */
export function shareGallery({ config, key, store, journal, ...parts }: ShareGalleryParts): GallerySharing | null {
  if (key === null) return null;
  return createGallerySharing({
    ...parts,
    people: sharedPeople(config, key, store, (person) => journal.forget(person)),
  });
}

/** The shared people of `store`. */
export function sharedPeople(
  { household, room }: Pick<Config, 'household' | 'room'>,
  key: HouseholdKey,
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
