// The composition root: opens the parts, connects them and closes them in reverse order. It decides nothing itself.
import { type Clock, systemClock } from './base/clock.js';
import { faultsOf, sentenceOf } from './base/errors.js';
import { packageVersion } from './base/files.js';
import { type Log, withoutNames } from './base/log.js';
import { createProblems, type Problems } from './base/problems.js';
import { createBackoff } from './base/retry.js';
import type { Camera } from './camera/camera.js';
import { openCamera } from './camera/open.js';
import type { Config } from './config/load.js';
import { cameraOptions, createCalibrator, engineOptions, recognitionOptions } from './config/parts.js';
import { readBoard } from './control/board.js';
import { createCorrector } from './control/corrector.js';
import { daemonHandlers, daemonSources } from './control/handlers.js';
import { type Heat, readHeat } from './control/heat.js';
import { positionCopyPath, runtimeDirectory, socketPath } from './control/path.js';
import { startControl } from './control/server.js';
import { createSpeedWatch } from './control/speed.js';
import { createStatistics, healthReport, type Statistics } from './control/statistics.js';
import { createNotifier, type Notifier } from './control/systemd.js';
import type { FrameListener } from './control/view.js';
import type { EngineInfo, SharedEngine } from './engine/engine.js';
import { createEngine } from './engine/supervisor.js';
import { peopleWithFewPhotos } from './gallery/calibration-advice.js';
import type { Gallery } from './gallery/person.js';
import { createJournal, type Journal } from './journal/journal.js';
import { eraseJournal, openJournalStore } from './journal/store.js';
import { createPublisher, type Publisher } from './mqtt/publisher.js';
import { createEventPictures, type EventPictures } from './mqtt/snapshot.js';
import { watchRoom } from './pipeline.js';
import { createLeaveAfter } from './room/leave-after.js';
import { createNeighbours } from './room/neighbours.js';
import type { RoomOptions } from './room/options.js';
import { createPrivacySwitch, type PrivacySwitch } from './room/privacy-switch.js';
import { createRoom, type Room, type RoomListener } from './room/room.js';
import { readHouseholdKey, readLeftKey } from './sharing/key.js';
import { finishLeaving } from './sharing/leaving.js';
import { shareGallery } from './sharing/sync.js';
import { openStore } from './store/gallery-store.js';
import { lockDirectory } from './store/lock.js';
import { takeRestored } from './store/opening.js';
import { createPositionFile } from './store/position-file.js';
import { createSettings, type Settings } from './store/settings.js';
import { readStaticFaces, rememberStaticFaces } from './store/static-faces.js';
import type { Store } from './store/store.js';
import { isWritable } from './store/unwritable.js';

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Log;
  /** Ends the daemon cleanly. */
  readonly signal: AbortSignal;
  /** Plays a recording without losing a frame and ends with it. Otherwise the daemon goes on, with the camera offline. */
  readonly untilEnd?: boolean;
  /** Receives the states and events that are published, for `run --json` and the demo. */
  readonly listener?: Partial<RoomListener>;
  /** Called when all parts run, before the first frame; once more after each reload. */
  readonly onReady?: () => void;
  readonly clock?: Clock;
  /** Where a new configuration comes from while the daemon runs (SIGHUP). */
  readonly reload?: ReloadRequests;
}

export interface ReloadRequests {
  /** Reads the configuration again. Errors: CONFIG_MISSING, CONFIG_INVALID. */
  read(): Config;
  /** Calls `listener` for each request until the returned function is called. */
  onRequest(listener: () => void): () => void;
}

/** How often the gallery is checked for another process's change while no frames come, milliseconds. */
const galleryCheckMs = 500;
/** How often a snapshot of the gallery is considered, milliseconds. One is written an hour at most. */
const snapshotCheckMs = 600_000;
/** How often a disk that could not be written at the start is tried again, milliseconds: first, and at most. */
const diskRetryMs = { first: 5_000, most: 60_000 };

/**
 * Runs until `signal` aborts. After the start, no fault of a part ends it: the part is tried again and `status` says what is
 * wrong. Errors of the start: CONFIG_*, DIRECTORY_IN_USE, MODEL_*, KEY_FILE, DATABASE, DAEMON_RUNNING.
 */
export async function runDaemon(options: DaemonOptions): Promise<Statistics> {
  const { log, signal, reload, clock = systemClock } = options;
  const notifier = createNotifier({ clock, log });
  const statistics = createStatistics(clock);
  let config = options.config;
  /** Whether damage that shows while the daemon runs may still start a new run, which restores a snapshot. */
  let mayRestore = true;
  /** The configuration that ran before a reload, until the new one runs. */
  let proven: Config | null = null;
  try {
    for (;;) {
      const restart = new AbortController();
      const stopListening = reload?.onRequest(() => {
        try {
          const next = reload.read();
          proven = config;
          config = next;
          log('notice', 'the configuration was read again');
          restart.abort();
        } catch (error) {
          log('error', `the configuration stays as it was: ${[sentenceOf(error), ...faultLines(error)].join('; ')}`);
        }
      });
      try {
        const onReady = (): void => {
          proven = null;
          options.onReady?.();
        };
        const run = { ...options, config, onReady, clock, signal: AbortSignal.any([signal, restart.signal]) };
        await runOnce(run, notifier, statistics, (cause) => {
          if (cause === 'damage' && !mayRestore) return;
          if (cause === 'damage') mayRestore = false;
          restart.abort();
        });
      } catch (error) {
        if (signal.aborted) break;
        if (proven === null) throw error;
        log('error', `the new configuration does not work, the old one is used: ${sentenceOf(error)}`);
        config = proven;
        proven = null;
        continue;
      } finally {
        stopListening?.();
      }
      if (signal.aborted || !restart.signal.aborted) break;
    }
  } finally {
    await notifier.stopping();
  }
  return statistics;
}

function faultLines(error: unknown): readonly string[] {
  return error instanceof Error ? faultsOf(error) : [];
}

/** Opens every part, runs until `options.signal` aborts, and closes them. `restart` asks for a run with all parts opened again. */
async function runOnce(
  options: DaemonOptions & { readonly clock: Clock },
  notifier: Notifier,
  statistics: Statistics,
  restart: (cause: 'disk' | 'damage' | 'command') => void,
): Promise<void> {
  const { config, signal, untilEnd = false, clock } = options;
  const people = createKnownNames();
  const log = config.service.namesInLog ? options.log : withoutNames(options.log, people.names);
  const problems = createProblems(clock, log);
  /** What is said while the store opens, before its names are known. */
  const early: string[] = [];
  let onDamage = (sentence: string): void => void early.push(sentence);
  using _lock = lockDirectory(config.store.directory, config.room.id);
  using store = openStore({
    ...config.store,
    isLocked: true,
    onDamage: (sentence) => onDamage(sentence),
  });
  people.follow(store);
  // Before the damage is reported, because a setting that can be read solves the problem of the part.
  const restored = problems.attempt('gallery', () => (store.unwritable === null ? takeRestored(store) : null)) ?? null;
  if (restored !== null) problems.report('gallery', restored);
  onDamage = (sentence) => problems.report('gallery', sentence);
  early.forEach(onDamage);
  if (early.length === 0)
    onDamage = (sentence) => {
      problems.report('gallery', sentence);
      restart('damage');
    };
  using _snapshots = keepSnapshots(store, problems);
  using _disk = watchDisk(config, store, problems, () => restart('disk'));
  using settings = createSettings(store, problems);

  await using engine = createEngine(engineOptions(config, log));
  // A stop during a slow start ends the loading.
  const stopEngine = (): void => void engine.stop();
  signal.addEventListener('abort', stopEngine);
  let model: EngineInfo;
  try {
    if (signal.aborted) return;
    model = await engine.start();
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  } finally {
    signal.removeEventListener('abort', stopEngine);
  }
  if (model.delegateReason) log('warning', `faces are analysed without XNNPACK, slower: ${model.delegateReason}`);
  if (model.addonReason) log('warning', `frames take more processor time than they need to: ${model.addonReason}`);
  if (model.sandboxReason) log('warning', `the recognition process has no sandbox: ${model.sandboxReason}`);

  const householdKey = readHouseholdKey(config.household.keyFile);
  const leaves = householdKey === null && readLeftKey(config.household.keyFile) !== null;
  const heat = await readHeat();
  await using publisher = createPublisher(
    {
      ...config,
      household: { id: config.household.id, shares: householdKey !== null || leaves },
      version: packageVersion,
      board: readBoard(),
      machine: { temperature: heat.temperatureCelsius !== null, throttling: heat.throttled !== null },
    },
    clock,
    { get: () => settings.get('announced'), set: (text) => void settings.remember('announced', text) },
    log,
  );
  await using camera = openCamera({ ...cameraOptions(config), lossless: untilEnd }, clock, log);

  const recognition = recognitionOptions(config);
  const { calibrated } = createCalibrator(config, model.space, recognition);
  const gallery = createGalleryReader(store, () => calibrated(store.gallery(model.space)), problems);
  gallery.onChange(({ people }) => {
    publisher.people(people.map(({ id, name }) => ({ id, name })));
    log('info', 'the gallery was read', { people: people.length });
  });
  gallery.current();

  using journal = openJournal(config, model.space, () => gallery.current().people, clock, log);
  // What mentions somebody who was forgotten must be erased at once.
  gallery.onChange(() => journal.flush());
  using sharing = shareGallery({
    config,
    key: householdKey,
    store,
    journal,
    publisher,
    onReceived: () => void gallery.current(),
    log,
  });
  using _leaving = leaves ? finishLeaving(config, publisher, log) : null;
  gallery.onChange(() => sharing?.changed());
  const base = { options: { ...options, log }, recognition, clock, notifier, statistics, problems, heat };
  const restartByCommand = (): void => {
    log('notice', 'a restart was asked for over MQTT: every part is opened again');
    restart('command');
  };
  await runRoom({
    ...base,
    restart: restartByCommand,
    store,
    settings,
    engine,
    model,
    publisher,
    camera,
    gallery,
    journal,
  });
}

/** Names and ids of everybody who was enrolled in this run, also of those who were forgotten since. */
function createKnownNames(): { readonly names: () => ReadonlySet<string>; follow(store: Store): void } {
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
function keepSnapshots(store: Store, problems: Problems): Disposable {
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
function watchDisk(config: Config, store: Store, problems: Problems, restart: () => void): Disposable {
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

interface DaemonParts {
  /** At the start. */
  readonly heat: Heat;
  /** Asks for a new run with all parts opened again. */
  restart(): void;
  readonly options: DaemonOptions;
  readonly recognition: RoomOptions;
  readonly problems: Problems;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly statistics: Statistics;
  readonly store: Store;
  readonly engine: SharedEngine;
  readonly model: EngineInfo;
  readonly publisher: Publisher;
  readonly camera: Camera;
  readonly gallery: GalleryReader;
  readonly journal: Journal;
}

/** Connects the room with its listeners, its switches and the control socket, and runs the loop. */
async function runRoom(parts: DaemonParts): Promise<void> {
  const { options, clock, notifier, statistics, store, settings, model, publisher, camera, gallery, journal } = parts;
  const { problems } = parts;
  const { config, log } = options;
  const pictures = config.privacy.snapshots
    ? createEventPictures((event, jpeg, pictured) => {
        if (config.mqtt.corrections && pictured !== null) journal.keep(pictured.track, pictured.atMs);
        publisher.event(event, jpeg, pictured);
      })
    : null;
  const listeners = new Set<RoomListener>([roomListener(parts, pictures)]);
  const frameListeners = new Set<FrameListener>();
  const room = createRoom(
    gallery.current,
    parts.recognition,
    toAll(listeners, problems),
    clock.monotonicMs(),
    config.room.id,
    readStaticFaces(store),
  );
  using neighbours = createNeighbours(room, publisher, clock);
  listeners.add({ ...noListener, leases: () => neighbours.send() });

  using privacy = roomPrivacy(parts, room);
  publisher.onRecognition({ had: privacy.brokerHad, acknowledged: privacy.published });
  connectCamera(parts, room, privacy);
  const leaveAfter = createLeaveAfter(
    settings,
    config.presence.leaveAfterMs / 1000,
    (seconds) => {
      room.leaveAfterMs = seconds * 1000;
    },
    publisher.leaveAfter,
  );
  publisher.onEarlier(({ people, sinceWallMs, ageMs }) => {
    if (ageMs === null || ageMs >= room.leaveAfterMs) return;
    const nowMs = clock.monotonicMs();
    const monotonicMs = (wallMs: number): number => nowMs - Math.max(0, clock.wallMs() - wallMs);
    const sinceMs = new Map(people.map(({ person, sinceWallMs: arrivedMs }) => [person, monotonicMs(arrivedMs)]));
    room.takeOver(sinceMs, monotonicMs(sinceWallMs), nowMs - ageMs);
    log('info', 'who was here before the restart is assumed to be here', { people: people.length });
  });
  publisher.onCommand((command) => {
    if (command.type === 'recognition') void problems.attemptAsync('camera', () => privacy.set(command.on));
    else if (command.type === 'leave-after') void leaveAfter.set(command.seconds);
    else if (command.type === 'restart') parts.restart();
    else room.hint({ held: command.on });
  });
  const sources = daemonSources({ config, store, journal, model, currentGallery: gallery.current });
  publisher.onCorrection(createCorrector(sources, journal, log));

  await using _control = await startControl({
    place: socketPath({
      room: config.room.id,
      storeDirectory: config.store.directory,
      configured: config.service.controlSocket,
    }),
    handlers: daemonHandlers({
      config,
      clock,
      engine: parts.engine,
      model,
      camera,
      room,
      store,
      journal,
      statistics,
      problems: withBroker(problems, publisher),
      privacy,
      publisher,
      watchers: listeners,
      frameListeners,
      currentGallery: gallery.current,
    }),
    log,
  });
  const galleryTimer = setInterval(gallery.current, galleryCheckMs);
  let { heat } = parts;
  const healthTimer = setInterval(() => {
    void problems.attemptAsync('room', async () => {
      heat = await readHeat();
      publishHealth(parts, room, heat);
    });
  }, config.service.healthMs);
  try {
    leaveAfter.start();
    publisher.recognition(privacy.on);
    // The camera of a room that starts paused is no fault.
    if (!privacy.on && privacy.waiting === null) publisher.camera(true);
    publisher.start();
    notifier.ready(`room ${config.room.id}, ${model.embedder}, ${model.delegate}`);
    options.onReady?.();
    await watch(parts, { room, privacy, pictures, frameListeners, heat: () => heat });
  } finally {
    clearInterval(galleryTimer);
    clearInterval(healthTimer);
  }
}

/** The room of this run and those who follow its frames. */
interface WatchedRoom {
  readonly room: Room;
  readonly privacy: PrivacySwitch;
  readonly pictures: EventPictures | null;
  readonly frameListeners: ReadonlySet<FrameListener>;
  readonly heat: () => Heat;
}

/** The loop, and what is done after each analysed frame. */
function watch(parts: DaemonParts, { room, privacy, pictures, frameListeners, heat }: WatchedRoom): Promise<void> {
  const { options, clock, notifier, statistics, settings, engine, model, publisher, camera, problems } = parts;
  const { frameIntervalMs } = parts.recognition;
  const { config, log, signal, untilEnd = false } = options;
  const rememberFaces = rememberStaticFaces(room, settings, log);
  const speed = createSpeedWatch(problems);
  return watchRoom({
    camera,
    engine,
    room,
    privacy,
    notifier,
    signal,
    log,
    problems,
    clock,
    crops: config.privacy.snapshots,
    untilEnd,
    frameIntervalMs,
    tilesPerFrame: config.detector.tilesPerFrame,
    onFrame(analysis, tookMs, { frame, isReduced }) {
      if (analysis === null) return statistics.skipped();
      // A recording has a timeline of its own. How far it lags behind the clock does not measure the machine.
      statistics.analysed(analysis, untilEnd ? tookMs : clock.monotonicMs() - analysis.capturedAt, isReduced);
      const { intervalMs } = room;
      const { delegateReason, embedder } = model;
      speed.analysed(tookMs, { intervalMs, frameIntervalMs, delegateReason, embedder, heat: heat() });
      for (const listener of frameListeners) listener(frame, analysis);
      pictures?.frame(analysis, room.observations);
      rememberFaces(analysis.width, analysis.height);
    },
    onFault: () => statistics.fault(),
    onEngine: (works) => publisher.camera(works && camera.status.state === 'online'),
    onOver: () => publisher.camera(false),
  });
}

/** The journal on disk, or in memory where the configuration keeps nothing: then what is on disk is erased. */
function openJournal(config: Config, space: string, people: () => Gallery['people'], clock: Clock, log: Log): Journal {
  const { looksKeptMs } = config.privacy;
  if (looksKeptMs === 0) eraseJournal(config.store.directory);
  const open = () => openJournalStore({ ...config.store, onDamage: (sentence) => log('warning', sentence) });
  return createJournal({
    open: looksKeptMs > 0 ? open : null,
    retentionMs: looksKeptMs,
    space,
    people: () => new Set(people().map(({ id }) => id)),
    clock,
    log,
  });
}

/** Passes the room's news to MQTT, the log, the caller of `runDaemon` and the journal. */
function roomListener(
  { options, publisher, journal, gallery }: DaemonParts,
  pictures: EventPictures | null,
): RoomListener {
  const { log, listener = {} } = options;
  return {
    state(snapshot) {
      publisher.state(snapshot);
      listener.state?.(snapshot);
    },
    event(event) {
      if (pictures === null) publisher.event(event);
      else pictures.event(event);
      const where = event.movedTo === null ? '' : `, is in ${event.movedTo}`;
      // The log of the system keeps its lines, so none may name a person who was forgotten.
      const isEnrolled = gallery.current().people.some(({ id }) => id === event.person);
      const name = isEnrolled ? event.name : 'somebody';
      log('notice', event.name ? `${name} ${event.type}${where}` : event.type.replace('_', ' '));
      listener.event?.(event);
    },
    observations: journal.record,
  };
}

const noListener: RoomListener = { state() {}, event() {} };

/** A listener that passes everything to each of `listeners`, in the order in which they were added. */
function toAll(listeners: ReadonlySet<RoomListener>, problems: Problems): RoomListener {
  /** One listener's error must not keep the news from the others. */
  const each = (tell: (listener: RoomListener) => void): void => {
    for (const listener of listeners) {
      try {
        tell(listener);
      } catch (error) {
        problems.report('room', `a change was not passed on: ${sentenceOf(error)}`);
      }
    }
  };
  return {
    state: (snapshot) => each((listener) => listener.state(snapshot)),
    event: (event) => each((listener) => listener.event(event)),
    leases: (household) => each((listener) => listener.leases?.(household)),
    observations: (observations, atMs, trackLastsMs) =>
      each((listener) => listener.observations?.(observations, atMs, trackLastsMs)),
  };
}

/** The privacy switch, with its position on disk. Off stops the camera and withdraws what the room knew. */
function roomPrivacy(
  { options: { config, log }, publisher, camera, problems }: DaemonParts,
  room: Room,
): PrivacySwitch {
  const runtime = runtimeDirectory();
  return createPrivacySwitch({
    file: createPositionFile(
      config.store.directory,
      runtime === null ? null : positionCopyPath(config.room.id, runtime),
    ),
    problems,
    log,
    async apply(on) {
      if (!on) room.blind(true);
      publisher.recognition(on);
      if (!on) await camera.stop();
      log('notice', on ? 'recognition is on' : 'recognition is off, the camera is stopped');
    },
  });
}

/** Publishes whether the camera gives frames, and warns when it stops unexpectedly. */
function connectCamera({ options, publisher, camera }: DaemonParts, room: Room, privacy: PrivacySwitch): void {
  const { log, signal, untilEnd = false } = options;
  camera.onState(({ state, reason }) => {
    if (state !== 'online') room.blind(!privacy.on);
    // A pause and the start after it are no faults: the camera's entity keeps its state, and presence becomes unknown.
    if (state === 'online' || (state === 'offline' && privacy.on)) publisher.camera(state === 'online');
    const expected = untilEnd || signal.aborted || !privacy.on;
    if (state === 'offline' && !expected) log('warning', `the camera is offline: ${reason ?? 'no frames'}`);
    if (state === 'online') log('info', 'the camera is online');
  });
}

function publishHealth(parts: DaemonParts, room: Room, heat: Heat): void {
  const { publisher, statistics, camera, model, problems, gallery } = parts;
  const { drops } = camera.status;
  const sentences = withBroker(problems, publisher).list.map(({ part, sentence }) => `${part}: ${sentence}`);
  const needsPhotos = peopleWithFewPhotos(gallery.current()).map(({ name }) => name);
  const { embedder } = model;
  publisher.health(healthReport(statistics, drops, room.staticFaces.length, needsPhotos, embedder, sentences, heat));
}

/** The problems with what the broker takes from this room, which the connection has logged already. */
function withBroker(problems: Problems, publisher: Publisher): Pick<Problems, 'list'> {
  return {
    get list() {
      const warnings = publisher.status().warnings;
      return [...problems.list, ...warnings.map((sentence) => ({ part: 'broker', sentence, sinceMs: null }) as const)];
    },
  };
}

interface GalleryReader {
  /** The calibrated gallery. Reads it again after a change by this or another process; cheap otherwise. */
  readonly current: () => Gallery;
  /** `listener` is called after each reading from now on. */
  onChange(listener: (gallery: Gallery) => void): void;
}

function createGalleryReader(
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
    for (const listener of listeners) listener(next);
    return next;
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
