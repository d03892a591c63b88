// Synchronises the gallery between rooms over the broker. Local changes are published sealed, and messages of other rooms are applied.
// The broker retains the newest message of each person, so a room that was off receives what it missed, including a forgotten person.
// After each connection a room first listens and then publishes only what the broker lacks or has in an older version, so that rooms do
// not overwrite newer messages. While it listens it asks the other rooms for their versions, and believes nothing about people whom it
// has never known: the broker, or somebody who can write to it, may repeat an old message.
import { randomBytes } from 'node:crypto';
import { RoomkinError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { createBackoff } from '../base/retry.js';
import type { Config } from '../config/load.js';
import { defaultManifestPath, readManifest } from '../engine/manifest.js';
import type { Journal } from '../journal/journal.js';
import type { Publisher } from '../mqtt/publisher.js';
import type { RoomId } from '../presence/arbitration.js';
import type { Store } from '../store/store.js';
import { createHouseholdSeal, formerSeals, type HouseholdKey, type HouseholdSeal, readHouseholdKey } from './key.js';
import { createSharedPeople, type ReceiveResult, type SharedPeople } from './people.js';
import { memberOf, mostVersions, openRoomMessage, type RoomMessage, sealRoomMessage } from './rooms.js';
import { isNewer, mostSharedPeople, type Version } from './version.js';

export interface GallerySharing extends Disposable {
  /** Call after the gallery changed: publishes the changes of this room. */
  changed(): void;
}

export interface GallerySharingOptions {
  readonly people: SharedPeople;
  readonly household: HouseholdSeal;
  /** This room. */
  readonly room: RoomId;
  /** The seals of earlier epochs. Their messages are deleted at the broker. */
  readonly former?: readonly HouseholdSeal[];
  /** Earlier epochs that ended while the broker was away: their messages are read once before they are deleted. */
  readonly unread?: UnreadEpochs;
  /** Whether the key is still the one of this room. */
  readonly isKeyPresent?: () => boolean;
  readonly publisher: Pick<Publisher, 'share' | 'sendToRooms' | 'onShared' | 'status'>;
  /** Called each time that everything is published that the broker takes. */
  readonly onSettled?: (report: SharingReport) => void;
  /** Called after another room changed the gallery. */
  readonly onReceived: () => void;
  readonly log: Log;
  /** How long a room listens before it publishes, milliseconds: the minimum, and the range of a random addition. */
  readonly listenMs?: readonly [least: number, more: number];
  /** Wait after a disk fault before the next attempt, milliseconds. */
  readonly retryMs?: number;
}

export interface UnreadEpochs {
  /** Fingerprints of the keys, hexadecimal. */
  get(): readonly string[];
  clear(): void;
}

/** What has been done at the broker since the connection. */
export interface SharingReport {
  /** Messages about people that were published. */
  readonly published: number;
  /** Messages of earlier epochs that were deleted. */
  readonly deleted: number;
  /** Messages that the broker did not take, or not delete. */
  readonly refused: number;
  /** The other rooms that have this key. */
  readonly rooms: readonly RoomId[];
  /** The other rooms that had the key of an earlier epoch and have not joined this one. */
  readonly behind: readonly RoomId[];
}

const warnings: Readonly<Record<Extract<ReceiveResult, { type: 'refused' }>['why'], string>> = {
  foreign: 'does not open with the key of this room: compare `roomkin household` in every room',
  malformed: 'has an unknown form: install the same version of roomkin in every room',
  large: 'is larger than the largest person',
  crowd: `would exceed the limit of ${mostSharedPeople} people: forget people who are no longer needed`,
};

/** How often a version is published to a broker that refuses it. */
const mostFailures = 3;

const newKeyAdvice =
  'the household has a new key, so this room shares nothing now: run roomkin household --join here and paste the key that ' +
  'roomkin household --show prints in the room where it was made';

/** Create it before the publisher starts. Faults of the broker, the disk or another room never throw. */
export function createGallerySharing(options: GallerySharingOptions): GallerySharing {
  const { people, household, room, former = [], unread, publisher, onReceived: onTaken, log } = options;
  const { listenMs = [2_000, 2_000], retryMs = 60_000 } = options;
  const warned = new Set<string>();
  /** Versions at the broker, as far as they are known since the connection. */
  const retained = new Map<string, Version>();
  /** Names whose invalid message at the broker was replaced since the connection. */
  const restored = new Set<string>();
  /** Refused versions. Without this count a broker that disconnects at a large message would disconnect this room again and again. */
  const failures = new Map<string, { readonly digest: string; readonly count: number }>();
  /** Messages received while the disk failed. */
  const deferred = new Map<string, Buffer>();
  /** Messages about people whom this room has never known. They wait for the answers of the other rooms. */
  const held = new Map<string, { readonly sealed: Buffer; readonly tag: string; readonly version: Version }>();
  /** The newest versions that other rooms have stated since the connection, by tag. */
  const stated = new Map<string, Version>();
  /** The rooms that have stated versions since the connection. */
  const answered = new Set<RoomId>();
  /** The rooms that have this key, according to the broker. */
  const members = new Set<RoomId>();
  /** The messages of earlier epochs at the broker. */
  const old = new Map<string, { readonly sealed: Buffer; readonly from: HouseholdSeal }>();
  const retries = createBackoff({ firstMs: retryMs, mostMs: retryMs });
  const oldMembers = new Set<RoomId>();
  let counts = { published: 0, deleted: 0, refused: 0 };
  let nonce = '';
  let asking: NodeJS.Timeout | undefined;
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

  function dispose(): void {
    disposed = true;
    mayPublish = false;
    clearTimeout(asking);
    clearTimeout(listening);
    clearTimeout(retrying);
  }

  /** Whether this room still shares with this key. A verb may have taken it away. */
  function mayShare(): boolean {
    if (disposed) return false;
    if (options.isKeyPresent?.() ?? true) return true;
    dispose();
    log('notice', 'the household key of this room was changed: restart roomkin');
    return false;
  }

  function listen(): void {
    clearTimeout(listening);
    listening = setTimeout(endListening, listenMs[0] + Math.random() * listenMs[1]);
  }

  function endListening(): void {
    if (!mayShare()) return;
    takeHeld();
    const missing = [...stated].filter(([tag, version]) => isNewer(version, knownVersions().get(tag) ?? null));
    if (missing.length > 0) ask(missing.slice(0, mostVersions).map(([tag]) => tag));
    mayPublish = true;
    void publish();
  }

  const knownVersions = (): ReadonlyMap<string, Version> => attempt(() => people.tags()) ?? new Map();

  /** Believes what no other room contradicts. */
  function takeHeld(): void {
    const messages = [...held];
    held.clear();
    let taken = 0;
    for (const [name, { sealed, version }] of messages) {
      if (isOutdated(name, sealed)) continue;
      if (receive(name, sealed) && !version.stamp.forgotten) taken += 1;
    }
    if (taken > 0 && answered.size === 0)
      log(
        'notice',
        `no other room answered: ${taken} people are taken as the broker holds them, and corrected when another room is online`,
      );
  }

  /** Whether another room states a newer version than that of this message. */
  function isOutdated(name: string, sealed: Buffer): boolean {
    if (stated.size === 0) return false;
    const message = people.inspect(name, sealed);
    const newer = message === null ? undefined : stated.get(message.tag);
    if (message === null || newer === undefined || !isNewer(newer, message.version)) return false;
    retained.set(name, message.version);
    return true;
  }

  /** Keeps a message about a person whom this room has never known until the other rooms have answered. */
  function hold(name: string, sealed: Buffer): boolean {
    const message = people.inspect(name, sealed);
    if (message === null || knownVersions().has(message.tag)) return false;
    if (isNewer(message.version, held.get(name)?.version ?? null)) held.set(name, { sealed, ...message });
    return true;
  }

  function send(message: RoomMessage, seal = household): void {
    publisher.sendToRooms(sealRoomMessage(seal, message));
  }

  function ask(missing: readonly string[] = []): void {
    send({ type: 'ask', room, nonce, missing });
  }

  function announceEpoch(to: HouseholdSeal): void {
    send({ type: 'retired', epoch: household.epoch }, to);
  }

  function fromRoom(sealed: Buffer): void {
    if (!mayShare()) return;
    const message = openRoomMessage(household, sealed);
    if (message === null) {
      const from = former.find((seal) => openRoomMessage(seal, sealed)?.type === 'ask');
      if (from !== undefined) announceEpoch(from);
    } else if (message.type === 'retired') {
      if (message.epoch <= household.epoch) return;
      dispose();
      log('warning', newKeyAdvice);
    } else if (message.type === 'ask') {
      if (message.room !== room) answer(message);
    } else if (message.type === 'versions' && message.nonce === nonce) compare(message);
  }

  function answer({ nonce, missing }: Extract<RoomMessage, { type: 'ask' }>): void {
    if (mayPublish) attempt(() => people.recordChanges());
    const versions = [...knownVersions()];
    for (let i = 0; i === 0 || i < versions.length; i += mostVersions)
      send({ type: 'versions', room, nonce, versions: new Map(versions.slice(i, i + mostVersions)) });
    for (const tag of missing) retained.delete(household.nameOfTag(tag));
    if (missing.length > 0 && mayPublish) void publish();
  }

  function compare({ room: from, versions }: Extract<RoomMessage, { type: 'versions' }>): void {
    if (versions.size > 0) answered.add(from);
    for (const [tag, version] of versions) {
      if (isNewer(version, stated.get(tag) ?? null)) stated.set(tag, version);
      const { stamp } = version;
      if (!stamp.forgotten) continue;
      const result = attempt(() => people.forget(tag, { ...stamp, forgotten: true }));
      if (result?.type !== 'accepted') continue;
      report(result);
      onTaken();
    }
  }

  /** Reads the messages of an epoch that ended while the broker was away. False if the disk fails. */
  function readUnread(): boolean {
    const pending = new Set(attempt(() => unread?.get() ?? []));
    if (pending.size === 0) return true;
    for (const [name, { sealed, from }] of old) {
      if (!pending.has(from.fingerprint.toString('hex')) || memberOf(from, name, sealed) !== null) continue;
      const result = attempt(() => people.receive(name, sealed, from));
      if (result === null) return false;
      if (result.type !== 'accepted') continue;
      report(result);
      onTaken();
    }
    return attempt(() => unread?.clear()) !== null;
  }

  /** Deletes the messages of earlier epochs at the broker. */
  async function deleteOld(): Promise<void> {
    if (old.size === 0) return;
    for (const seal of new Set([...old.values()].map(({ from }) => from))) announceEpoch(seal);
    for (const name of [...old.keys()]) {
      if (disposed || !publisher.status().connected) return;
      if (await publisher.share(name, Buffer.alloc(0))) {
        old.delete(name);
        counts.deleted += 1;
      } else counts.refused += 1;
    }
    if (old.size > 0)
      warnOnce('old', `the broker does not delete ${old.size} messages of an old household key: check its ACL`);
    else log('notice', `the messages of the old household key were deleted at the broker`);
  }

  async function joinMembers(): Promise<void> {
    if (members.has(room) || disposed) return;
    const name = household.nameOfRoom(room);
    if (await publisher.share(name, sealRoomMessage(household, { type: 'member', room }, name))) members.add(room);
  }

  async function publish(): Promise<void> {
    publishAgain = true;
    if (publishing) return;
    publishing = true;
    while (publishAgain && mayPublish && mayShare()) {
      publishAgain = false;
      const isRead = readUnread();
      if (!(await publishNewVersions())) continue;
      await joinMembers();
      if (isRead) await deleteOld();
    }
    publishing = false;
    if (disposed || !mayPublish || !publisher.status().connected) return;
    const others = (rooms: ReadonlySet<RoomId>): RoomId[] => [...rooms].filter((other) => other !== room).sort();
    const behind = others(oldMembers).filter((other) => !members.has(other));
    options.onSettled?.({ ...counts, rooms: others(members), behind });
  }

  function failuresOf(name: string, { digest }: Version): number {
    const failure = failures.get(name);
    return failure?.digest === digest ? failure.count : 0;
  }

  /** False if the disk or the broker fails. */
  async function publishNewVersions(): Promise<boolean> {
    const beyond = attempt(() => people.recordChanges());
    if (beyond === null) return false;
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
        counts.refused += 1;
        // One may be too large for it; who is refused twice is refused everything.
        if (refused > 1 || !publisher.status().connected) return false;
        continue;
      }
      failures.delete(name);
      counts.published += 1;
      // Another room may have published meanwhile. It is unknown whose message the broker retains, so assume that of the other room.
      if (retained.get(name) === before) retained.set(name, version);
    }
    return true;
  }

  function message(name: string, sealed: Buffer): void {
    if (!mayShare()) return;
    if (sealed.length === 0) {
      old.delete(name);
      held.delete(name);
      restore(name);
      return;
    }
    const member = memberOf(household, name, sealed);
    if (member !== null) members.add(member);
    else if (!isOfOldEpoch(name, sealed) && !isOutdated(name, sealed) && (mayPublish || !hold(name, sealed)))
      receive(name, sealed);
  }

  function isOfOldEpoch(name: string, sealed: Buffer): boolean {
    if (former.length === 0 || household.open(name, sealed) !== null) return false;
    const from = former.find((seal) => seal.open(name, sealed) !== null);
    if (from === undefined) return false;
    old.set(name, { sealed, from });
    const member = memberOf(from, name, sealed);
    if (member !== null) oldMembers.add(member);
    if (mayPublish) void publish();
    return true;
  }

  /** Whether the message changed the gallery. */
  function receive(name: string, sealed: Buffer): boolean {
    const result = attempt(() => people.receive(name, sealed));
    if (result === null) {
      deferred.set(name, sealed);
      return false;
    }
    deferred.delete(name);
    if (result.type === 'refused') {
      warnOnce(result.why, `the message of another room about a person ${warnings[result.why]}; it is ignored`);
      restore(name);
      return false;
    }
    retained.set(name, result.version);
    if (result.type === 'older' && mayPublish) {
      log('debug', 'an old version of a person was received and is ignored');
      listen();
    }
    if (result.type !== 'accepted') return false;
    report(result);
    onTaken();
    return true;
  }

  /**
   * The broker has no message about a person or an invalid one: publish the version of this room. Only once per connection, because two
   * rooms with different versions of roomkin would otherwise replace each other's messages forever.
   */
  function restore(name: string): void {
    retained.delete(name);
    if (name === household.nameOfRoom(room)) members.delete(room);
    if (mayPublish && !restored.has(name)) listen();
    restored.add(name);
  }

  publisher.onShared({
    connected() {
      if (!mayShare()) return;
      for (const memory of [retained, restored, held, stated, answered, members, old, oldMembers]) memory.clear();
      counts = { published: 0, deleted: 0, refused: 0 };
      nonce = randomBytes(16).toString('hex');
      mayPublish = false;
      for (const seal of former) announceEpoch(seal);
      // The subscription follows the connection, and the answers must not come before it.
      clearTimeout(asking);
      asking = setTimeout(ask, listenMs[0] / 4);
      listen();
    },
    message,
    fromRoom,
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
    [Symbol.dispose]: dispose,
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
  const { household, room } = config;
  return createGallerySharing({
    ...parts,
    people: sharedPeople(config, key, store, (person) => journal.forget(person)),
    household: createHouseholdSeal(key, household.id),
    room: room.id,
    former: formerSeals(key, household.id),
    unread: unreadEpochs(store),
    isKeyPresent: () => isPresent(key, household.keyFile),
  });
}

/** A file that cannot be read now is no reason to stop. */
function isPresent(key: HouseholdKey, file: string): boolean {
  try {
    return readHouseholdKey(file)?.secret.equals(key.secret) === true;
  } catch {
    return true;
  }
}

const unreadSetting = 'household_unread';

/** The epochs whose messages this room has still to read, remembered in the gallery. */
export function unreadEpochs(
  store: Pick<Store, 'setting' | 'setSetting'>,
): UnreadEpochs & { add(seal: HouseholdSeal): void } {
  const get = (): string[] => (store.setting(unreadSetting) ?? '').split(',').filter((text) => text !== '');
  return {
    get,
    add: ({ fingerprint }) => store.setSetting(unreadSetting, [...get(), fingerprint.toString('hex')].join()),
    clear: () => store.setSetting(unreadSetting, null),
  };
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
