// The composition root: opens the parts, wires them, closes them in reverse. Decides nothing itself.
import { type Clock, systemClock } from './base/clock.js';
import { packageVersion } from './base/files.js';
import type { Log } from './base/log.js';
import { openCamera } from './camera/open.js';
import type { Config } from './config/load.js';
import { cameraOptions, createCalibrator, engineOptions, recognitionOptions } from './config/parts.js';
import { daemonHandlers } from './control/handlers.js';
import { readHeat } from './control/heat.js';
import { socketPath } from './control/path.js';
import { startControl } from './control/server.js';
import { createStatistics, type Statistics } from './control/statistics.js';
import { createNotifier } from './control/systemd.js';
import { createEngine } from './engine/supervisor.js';
import type { Gallery } from './gallery/person.js';
import { createJournal } from './journal/journal.js';
import { eraseJournal, openJournalStore } from './journal/store.js';
import { createDistanceEstimates } from './mqtt/distance.js';
import { createPublisher, type Publisher } from './mqtt/publisher.js';
import { createLastFace } from './mqtt/snapshot.js';
import { watchRoom } from './pipeline.js';
import type { PresenceEvent, PresenceSnapshot } from './presence/presence.js';
import { createHoldTime } from './room/hold-time.js';
import { createNeighbours } from './room/neighbours.js';
import { createPrivacySwitch } from './room/privacy-switch.js';
import { createRoom, type RoomListener } from './room/room.js';
import { readHouseholdKey } from './sharing/key.js';
import { shareGallery } from './sharing/sync.js';
import { openStore } from './store/gallery-store.js';
import { rememberStaticFaces, readStaticFaces } from './store/static-faces.js';

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Log;
  /** Ends the daemon cleanly. */
  readonly signal: AbortSignal;
  /** Plays a replay without losing a frame and ends with it; otherwise the daemon stays, with the camera offline. */
  readonly untilEnd?: boolean;
  /** Hears what is published, for `run --json` and the demo. */
  readonly listener?: Partial<RoomListener>;
  /** Called once everything runs. */
  readonly onReady?: () => void;
  readonly clock?: Clock;
}

/** How often another process's change of the gallery is looked for while no frames come, milliseconds. */
const galleryCheckMs = 500;

/** Runs until `signal`. Errors: CONFIG_*, MODEL_*, KEY_FILE, DATABASE, DAEMON_RUNNING; nothing that a camera or broker does. */
export async function runDaemon(options: DaemonOptions): Promise<Statistics> {
  const { config, log, signal, untilEnd = false, listener = {}, clock = systemClock } = options;
  const notifier = createNotifier({ clock, log });
  const meter = createStatistics(clock);

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
  let seenVersion = -1;
  let gallery: Gallery;
  let sharing: ReturnType<typeof shareGallery> = null;
  const currentGallery = (): Gallery => {
    if (store.version !== seenVersion) {
      seenVersion = store.version;
      gallery = calibrated(store.gallery(model.space));
      publisher.people(gallery.people.map(({ id, name }) => ({ id, name })));
      log('info', 'the gallery was read', { people: gallery.people.length });
      sharing?.changed();
    }
    return gallery;
  };
  currentGallery();

  const { looksKeptMs } = config.privacy;
  if (looksKeptMs === 0) eraseJournal(config.store.directory);
  const openLooks = () => openJournalStore({ ...config.store, onDamage: (sentence) => log('warning', sentence) });
  using looks = createJournal({
    open: looksKeptMs > 0 ? openLooks : null,
    keptMs: looksKeptMs,
    space: model.space,
    people: () => new Set(currentGallery().people.map(({ id }) => id)),
    clock,
    log,
  });
  const onTaken = (): void => void currentGallery();
  using shared = shareGallery({ config, key: householdKey, store, looks, publisher, onTaken, log });
  sharing = shared;
  const watchers = new Set<RoomListener>();
  const room = createRoom(
    currentGallery,
    recognition,
    {
      state(snapshot: PresenceSnapshot | null) {
        publisher.state(snapshot);
        listener.state?.(snapshot);
        for (const watcher of watchers) watcher.state(snapshot);
      },
      event(event: PresenceEvent) {
        publisher.event(event);
        const where = event.movedTo === null ? '' : `, is in ${event.movedTo}`;
        log('notice', event.name ? `${event.name} ${event.type}${where}` : event.type.replace('_', ' '));
        listener.event?.(event);
        for (const watcher of watchers) watcher.event(event);
      },
      leases: () => neighbours.send(),
      observations(seen, atMs) {
        looks.take(seen, atMs);
        for (const watcher of watchers) watcher.observations?.(seen, atMs);
      },
    },
    clock.monotonicMs(),
    config.room.id,
    readStaticFaces(store),
  );
  using neighbours = createNeighbours(room, publisher, clock);

  const whereabouts = createDistanceEstimates(room, publisher.whereabouts);
  const fixed = rememberStaticFaces(room, store, log);
  const lastFace = createLastFace(publisher.snapshot, clock);
  const privacy = createPrivacySwitch({
    read: () => store.setting('recognition') !== 'off',
    write: (on) => store.setSetting('recognition', on ? 'on' : 'off'),
    async apply(on) {
      if (!on) room.blind();
      publisher.recognition(on);
      if (!on) await camera.stop();
      log('notice', on ? 'recognition is on' : 'recognition is off, the camera is stopped');
    },
  });
  camera.onState(({ state, reason }) => {
    if (state !== 'online') room.blind();
    publisher.camera(state === 'online');
    const expected = untilEnd || signal.aborted || !privacy.on;
    if (state === 'offline' && !expected) log('warning', `the camera is offline: ${reason ?? 'no frames'}`);
    if (state === 'online') log('info', 'the camera is online');
  });
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
      looks,
      meter,
      privacy,
      publisher,
      watchers,
      currentGallery,
    }),
    log,
  });
  const house = setInterval(currentGallery, galleryCheckMs);
  const health = setInterval(
    () => void reportHealth(publisher, meter, camera.status.drops, room.staticFaces.length, model.embedder),
    config.service.healthMs,
  );
  try {
    hold.start();
    publisher.recognition(privacy.on);
    publisher.start();
    notifier.ready(`room ${config.room.id}, ${model.embedder}, ${model.delegate}`);
    options.onReady?.();

    await watchRoom({
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
        if (analysis === null) return meter.skipped();
        // A recording's timeline is its own: how far it lags behind the clock says nothing about the machine.
        meter.analysed(analysis, untilEnd ? tookMs : clock.monotonicMs() - analysis.capturedAt);
        lastFace(analysis);
        whereabouts(analysis.capturedAt, analysis.width);
        fixed(analysis.width, analysis.height);
      },
      onFault: () => meter.fault(),
      onOver: () => publisher.camera(false),
    });
  } finally {
    clearInterval(house);
    clearInterval(health);
    await notifier.stopping();
  }
  return meter;
}

async function reportHealth(
  publisher: Publisher,
  meter: Statistics,
  drops: number,
  fixedFaces: number,
  model: string,
): Promise<void> {
  const { temperatureCelsius, throttled } = await readHeat();
  publisher.health({
    fps: meter.fps(),
    drops,
    inferenceMs: meter.latencyMs(0.5),
    inferenceP95Ms: meter.latencyMs(0.95),
    temperatureCelsius,
    throttled,
    fixedFaces,
    model,
    version: packageVersion,
    uptimeSeconds: meter.uptimeSeconds(),
  });
}
