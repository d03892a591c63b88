// The composition root: opens the parts, connects them and closes them in reverse order. It decides nothing itself.
import { type Clock, systemClock } from './base/clock.js';
import { packageVersion } from './base/files.js';
import type { Log } from './base/log.js';
import type { Camera } from './camera/camera.js';
import { openCamera } from './camera/open.js';
import type { Config } from './config/load.js';
import { cameraOptions, createCalibrator, engineOptions, recognitionOptions } from './config/parts.js';
import { daemonHandlers } from './control/handlers.js';
import { socketPath } from './control/path.js';
import { startControl } from './control/server.js';
import { createStatistics, healthReport, type Statistics } from './control/statistics.js';
import { createNotifier, type Notifier } from './control/systemd.js';
import type { Engine, EngineInfo } from './engine/engine.js';
import { createEngine } from './engine/supervisor.js';
import type { Gallery } from './gallery/person.js';
import { createJournal, type Journal } from './journal/journal.js';
import { eraseJournal, openJournalStore } from './journal/store.js';
import { createDistanceEstimates } from './mqtt/distance.js';
import { createPublisher, type Publisher } from './mqtt/publisher.js';
import { createLastFace } from './mqtt/snapshot.js';
import { watchRoom } from './pipeline.js';
import { createHoldTime } from './room/hold-time.js';
import { createNeighbours } from './room/neighbours.js';
import type { RoomOptions } from './room/options.js';
import { createPrivacySwitch, type PrivacySwitch } from './room/privacy-switch.js';
import { createRoom, type Room, type RoomListener } from './room/room.js';
import { readHouseholdKey } from './sharing/key.js';
import { shareGallery } from './sharing/sync.js';
import { openStore } from './store/gallery-store.js';
import { readStaticFaces, rememberStaticFaces } from './store/static-faces.js';
import type { Store } from './store/store.js';

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Log;
  /** Ends the daemon cleanly. */
  readonly signal: AbortSignal;
  /** Plays a recording without losing a frame and ends with it. Otherwise the daemon goes on, with the camera offline. */
  readonly untilEnd?: boolean;
  /** Receives the states and events that are published, for `run --json` and the demo. */
  readonly listener?: Partial<RoomListener>;
  /** Called when all parts run, before the first frame. */
  readonly onReady?: () => void;
  readonly clock?: Clock;
}

/** How often the gallery is checked for another process's change while no frames come, milliseconds. */
const galleryCheckMs = 500;

/**
 * Runs until `signal` aborts. A fault of the camera or the broker never ends it. Errors: CONFIG_*, MODEL_*, KEY_FILE, DATABASE,
 * DAEMON_RUNNING.
 */
export async function runDaemon(options: DaemonOptions): Promise<Statistics> {
  const { config, log, untilEnd = false, clock = systemClock } = options;
  const notifier = createNotifier({ clock, log });
  const statistics = createStatistics(clock);

  using store = openStore({ ...config.store, onDamage: (sentence) => log('error', sentence) });
  await using engine = createEngine(engineOptions(config, log));
  const model = await engine.start();
  if (model.delegateReason) log('warning', `faces are analysed without XNNPACK, slower: ${model.delegateReason}`);

  const householdKey = readHouseholdKey(config.household.keyFile);
  await using publisher = createPublisher(
    { ...config, household: { id: config.household.id, shares: householdKey !== null }, version: packageVersion },
    clock,
    { get: () => store.setting('announced'), set: (text) => store.setSetting('announced', text) },
    log,
  );
  await using camera = openCamera({ ...cameraOptions(config), lossless: untilEnd }, clock, log);

  const recognition = recognitionOptions(config);
  const { calibrated } = createCalibrator(config, model.space, recognition);
  const gallery = createGalleryReader(store, () => calibrated(store.gallery(model.space)));
  gallery.onChange(({ people }) => {
    publisher.people(people.map(({ id, name }) => ({ id, name })));
    log('info', 'the gallery was read', { people: people.length });
  });
  gallery.current();

  using journal = openJournal(config, model.space, () => gallery.current().people, clock, log);
  using sharing = shareGallery({
    config,
    key: householdKey,
    store,
    journal,
    publisher,
    onReceived: () => void gallery.current(),
    log,
  });
  gallery.onChange(() => sharing?.changed());
  const base = { options, recognition, clock, notifier, statistics };
  await runRoom({ ...base, store, engine, model, publisher, camera, gallery, journal });
  return statistics;
}

interface DaemonParts {
  readonly options: DaemonOptions;
  readonly recognition: RoomOptions;
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly statistics: Statistics;
  readonly store: Store;
  readonly engine: Engine;
  readonly model: EngineInfo;
  readonly publisher: Publisher;
  readonly camera: Camera;
  readonly gallery: GalleryReader;
  readonly journal: Journal;
}

/** Connects the room with its listeners, its switches and the control socket, and runs the loop. */
async function runRoom(parts: DaemonParts): Promise<void> {
  const { options, clock, notifier, statistics, store, model, publisher, camera, gallery, journal } = parts;
  const { config, log } = options;
  const listeners = new Set<RoomListener>([roomListener(parts)]);
  const room = createRoom(
    gallery.current,
    parts.recognition,
    toAll(listeners),
    clock.monotonicMs(),
    config.room.id,
    readStaticFaces(store),
  );
  using neighbours = createNeighbours(room, publisher, clock);
  listeners.add({ ...noListener, leases: () => neighbours.send() });

  const privacy = roomPrivacy(parts, room);
  connectCamera(parts, room, privacy);
  const hold = createHoldTime(store, config.presence.holdMs / 1000, (seconds) => {
    room.holdMs = seconds * 1000;
    publisher.hold(seconds);
  });
  publisher.onCommand((command) => {
    if (command.type === 'recognition') void privacy.set(command.on);
    else if (command.type === 'hold') hold.set(command.seconds);
    else room.hint({ held: command.on });
  });

  await using _control = await startControl({
    place: socketPath({
      room: config.room.id,
      storeDirectory: config.store.directory,
      configured: config.service.controlSocket,
    }),
    handlers: daemonHandlers({
      config,
      clock,
      model,
      camera,
      room,
      journal,
      statistics,
      privacy,
      publisher,
      watchers: listeners,
      currentGallery: gallery.current,
    }),
    log,
  });
  const galleryTimer = setInterval(gallery.current, galleryCheckMs);
  const healthTimer = setInterval(() => void publishHealth(parts, room), config.service.healthMs);
  try {
    hold.start();
    publisher.recognition(privacy.on);
    publisher.start();
    notifier.ready(`room ${config.room.id}, ${model.embedder}, ${model.delegate}`);
    options.onReady?.();
    await watch(parts, room, privacy);
  } finally {
    clearInterval(galleryTimer);
    clearInterval(healthTimer);
    await notifier.stopping();
  }
}

/** The loop, and what is done after each analysed frame. */
function watch(parts: DaemonParts, room: Room, privacy: PrivacySwitch): Promise<void> {
  const { options, clock, notifier, statistics, store, engine, publisher, camera } = parts;
  const { config, log, signal, untilEnd = false } = options;
  const publishDistances = createDistanceEstimates(room, publisher.distance);
  const rememberFaces = rememberStaticFaces(room, store, log);
  const publishLastFace = createLastFace(publisher.snapshot, clock);
  return watchRoom({
    camera,
    engine,
    room,
    privacy,
    notifier,
    signal,
    log,
    crops: config.privacy.snapshots,
    untilEnd,
    onFrame(analysis, tookMs) {
      if (analysis === null) return statistics.skipped();
      // A recording has a timeline of its own. How far it lags behind the clock does not measure the machine.
      statistics.analysed(analysis, untilEnd ? tookMs : clock.monotonicMs() - analysis.capturedAt);
      publishLastFace(analysis);
      publishDistances(analysis.capturedAt, analysis.width);
      rememberFaces(analysis.width, analysis.height);
    },
    onFault: () => statistics.fault(),
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
function roomListener({ options, publisher, journal }: DaemonParts): RoomListener {
  const { log, listener = {} } = options;
  return {
    state(snapshot) {
      publisher.state(snapshot);
      listener.state?.(snapshot);
    },
    event(event) {
      publisher.event(event);
      const where = event.movedTo === null ? '' : `, is in ${event.movedTo}`;
      log('notice', event.name ? `${event.name} ${event.type}${where}` : event.type.replace('_', ' '));
      listener.event?.(event);
    },
    observations: (observations, atMs) => journal.record(observations, atMs),
  };
}

const noListener: RoomListener = { state() {}, event() {} };

/** A listener that passes everything to each of `listeners`, in the order in which they were added. */
function toAll(listeners: ReadonlySet<RoomListener>): RoomListener {
  return {
    state(snapshot) {
      for (const listener of listeners) listener.state(snapshot);
    },
    event(event) {
      for (const listener of listeners) listener.event(event);
    },
    leases(household) {
      for (const listener of listeners) listener.leases?.(household);
    },
    observations(observations, atMs) {
      for (const listener of listeners) listener.observations?.(observations, atMs);
    },
  };
}

/** The privacy switch, with its position in the store. Off stops the camera and withdraws what the room knew. */
function roomPrivacy({ options: { log }, store, publisher, camera }: DaemonParts, room: Room): PrivacySwitch {
  return createPrivacySwitch({
    read: () => store.setting('recognition') !== 'off',
    write: (on) => store.setSetting('recognition', on ? 'on' : 'off'),
    async apply(on) {
      if (!on) room.blind();
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
    if (state !== 'online') room.blind();
    publisher.camera(state === 'online');
    const expected = untilEnd || signal.aborted || !privacy.on;
    if (state === 'offline' && !expected) log('warning', `the camera is offline: ${reason ?? 'no frames'}`);
    if (state === 'online') log('info', 'the camera is online');
  });
}

async function publishHealth({ publisher, statistics, camera, model }: DaemonParts, room: Room): Promise<void> {
  const { drops } = camera.status;
  publisher.health(await healthReport(statistics, drops, room.staticFaces.length, model.embedder));
}

interface GalleryReader {
  /** The calibrated gallery. Reads it again after a change by this or another process; cheap otherwise. */
  readonly current: () => Gallery;
  /** `listener` is called after each reading from now on. */
  onChange(listener: (gallery: Gallery) => void): void;
}

function createGalleryReader(store: Pick<Store, 'version'>, read: () => Gallery): GalleryReader {
  const listeners: ((gallery: Gallery) => void)[] = [];
  let version = -1;
  let gallery: Gallery;
  return {
    current() {
      if (store.version !== version) {
        version = store.version;
        gallery = read();
        for (const listener of listeners) listener(gallery);
      }
      return gallery;
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}
