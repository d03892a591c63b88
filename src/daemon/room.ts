// One room of a daemon: its camera, its connection to the broker, its journal, its switches and its control socket, around what all rooms
// share. It opens them, runs the loop and closes them again. A fault of one of them touches no other room.
import type { Clock } from '../base/clock.js';
import { sentenceOf } from '../base/errors.js';
import { packageVersion } from '../base/files.js';
import type { Log } from '../base/log.js';
import { createProblems, type Problems } from '../base/problems.js';
import type { Camera } from '../camera/camera.js';
import { openCamera } from '../camera/open.js';
import type { Config } from '../config/load.js';
import { cameraOptions, journalPlace, recognitionOptions } from '../config/parts.js';
import { readBoard } from '../control/board.js';
import { createCorrector } from '../control/corrector.js';
import { daemonHandlers, daemonSources } from '../control/handlers.js';
import { type Heat, readHeat } from '../control/heat.js';
import { createPagePictures, type PagePictures } from '../control/page-pictures.js';
import { positionCopyPath, runtimeDirectory, socketPath } from '../control/path.js';
import type { PhotoPlace } from '../control/photo.js';
import { startControl } from '../control/server.js';
import { createSpeedWatch } from '../control/speed.js';
import { healthReport, type Statistics } from '../control/statistics.js';
import type { Notifier } from '../control/systemd.js';
import type { FrameListener } from '../control/view.js';
import type { EngineInfo, SharedEngine } from '../engine/engine.js';
import type { Turns } from '../engine/turns.js';
import { peopleWithFewPhotos } from '../gallery/calibration-advice.js';
import type { Gallery } from '../gallery/person.js';
import { createJournal, type Journal } from '../journal/journal.js';
import { eraseJournal, openJournalStore } from '../journal/store.js';
import { createPublisher, type Publisher } from '../mqtt/publisher.js';
import { createEventPictures, type EventPictures } from '../mqtt/snapshot.js';
import { watchRoom } from '../pipeline.js';
import { createLeaveAfter } from '../room/leave-after.js';
import { createNeighbours } from '../room/neighbours.js';
import type { RoomOptions } from '../room/options.js';
import { createPrivacySwitch, type PrivacySwitch } from '../room/privacy-switch.js';
import { createRoom, type Room, type RoomListener } from '../room/room.js';
import type { HouseholdKey } from '../sharing/key.js';
import { finishLeaving } from '../sharing/leaving.js';
import { shareGallery } from '../sharing/sync.js';
import { createPositionFile } from '../store/position-file.js';
import type { Settings } from '../store/settings.js';
import { readStaticFaces, rememberStaticFaces } from '../store/static-faces.js';
import type { Store } from '../store/store.js';
import type { GalleryReader } from './gallery.js';
import { settingsOf } from './room-state.js';

/** What all rooms of a daemon have in common. */
export interface SharedParts {
  readonly clock: Clock;
  /** Ends the run. */
  readonly signal: AbortSignal;
  readonly untilEnd: boolean;
  /** At the start. */
  readonly heat: Heat;
  readonly problems: Problems;
  readonly store: Store;
  readonly settings: Settings;
  readonly engine: SharedEngine;
  readonly model: EngineInfo;
  readonly gallery: GalleryReader;
  /** For a photo that any of the control sockets receives. */
  readonly photos: PhotoPlace;
  /** The turns at the engine; absent where there is one room. */
  readonly turns?: Turns;
  /** Asks for a new run with all parts opened again. */
  restart(): void;
}

/** What belongs to one room from the beginning. */
export interface RoomStart {
  readonly config: Config;
  readonly log: Log;
  readonly notifier: Pick<Notifier, 'frameProcessed' | 'noFrameDue'>;
  readonly statistics: Statistics;
  readonly listener: Partial<RoomListener>;
  /** Of the one room that shares the gallery with the household for all rooms; null for the others. */
  readonly sharing: { readonly key: HouseholdKey | null; readonly leaves: boolean } | null;
  /** Called when all parts of the room run, before its first frame. */
  readonly onReady: () => void;
}

interface RoomParts extends SharedParts, RoomStart {
  readonly recognition: RoomOptions;
  /** Of this room alone; those of the shared parts where there is one room. */
  readonly ownProblems: Problems;
  readonly ownSettings: Pick<Settings, 'get' | 'remember'>;
  readonly publisher: Publisher;
  readonly camera: Camera;
  readonly journal: Journal;
}

/** Opens the room, runs it until `shared.signal` aborts, and closes it. Errors of the start: CONFIG_*, KEY_FILE, DAEMON_RUNNING. */
export async function runRoom(shared: SharedParts, start: RoomStart): Promise<void> {
  const { clock, problems, settings, store, gallery, heat, model, turns } = shared;
  const { config, log, sharing } = start;
  const ownProblems = turns === undefined ? problems : createProblems(clock, log);
  const ownSettings = settingsOf(config, settings);
  const shares = sharing !== null && (sharing.key !== null || sharing.leaves);
  await using publisher = createPublisher(
    {
      ...config,
      household: { id: config.household.id, shares },
      version: packageVersion,
      board: readBoard(),
      machine: { temperature: heat.temperatureCelsius !== null, throttling: heat.throttled !== null },
    },
    clock,
    { get: () => ownSettings.get('announced'), set: (text) => void ownSettings.remember('announced', text) },
    log,
  );
  await using camera = openCamera({ ...cameraOptions(config), lossless: shared.untilEnd }, clock, log);
  const publishPeople = ({ people }: Gallery): void => publisher.people(people.map(({ id, name }) => ({ id, name })));
  publishPeople(gallery.current());
  gallery.onChange(publishPeople);

  using journal = openJournal(config, model.space, () => gallery.current().people, clock, log);
  // What mentions somebody who was forgotten must be erased at once.
  gallery.onChange(() => journal.flush());
  using sharer =
    sharing === null
      ? null
      : shareGallery({
          config,
          key: sharing.key,
          store,
          journal,
          publisher,
          onReceived: () => void gallery.current(),
          log,
        });
  using _leaving = sharing?.leaves ? finishLeaving(config, publisher, log) : null;
  gallery.onChange(() => sharer?.changed());
  const recognition = recognitionOptions(config);
  await watchOpened({ ...shared, ...start, recognition, ownProblems, ownSettings, publisher, camera, journal });
}

/** Connects the room with its listeners, its switches and the control socket, and runs the loop. */
async function watchOpened(parts: RoomParts): Promise<void> {
  const { config, log, clock, statistics, store, ownSettings, model, publisher, camera, gallery, journal } = parts;
  const { ownProblems: problems } = parts;
  const pictures = config.privacy.snapshots
    ? createEventPictures(publisher.event, config.mqtt.corrections ? journal : null)
    : null;
  const listeners = new Set<RoomListener>([roomListener(parts, pictures)]);
  const frameListeners = new Set<FrameListener>();
  const pagePictures = createPagePictures(config.privacy.pagePictures);
  gallery.onChange(({ people }) => pagePictures.keepOnly(new Set(people.map(({ id }) => id))));
  const room = createRoom(
    gallery.current,
    parts.recognition,
    toAll(listeners, problems),
    clock.monotonicMs(),
    config.room.id,
    readStaticFaces(ownSettings),
  );
  using neighbours = createNeighbours(room, publisher, clock);
  listeners.add({ ...noListener, leases: () => neighbours.send() });

  using privacy = roomPrivacy(parts, room, pagePictures);
  publisher.onRecognition({ had: privacy.brokerHad, acknowledged: privacy.published });
  connectCamera(parts, room, privacy);
  const leaveAfter = createLeaveAfter(
    ownSettings,
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
      problems: problemsOf(parts),
      privacy,
      publisher,
      watchers: listeners,
      frameListeners,
      pagePictures,
      currentGallery: gallery.current,
    }),
    photos: parts.photos,
    log,
  });
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
    parts.onReady();
    await watch(parts, { room, privacy, pictures, pagePictures, frameListeners, heat: () => heat });
  } finally {
    clearInterval(healthTimer);
  }
}

/** The room of this run and those who follow its frames. */
interface WatchedRoom {
  readonly room: Room;
  readonly privacy: PrivacySwitch;
  readonly pictures: EventPictures | null;
  readonly pagePictures: PagePictures;
  readonly frameListeners: ReadonlySet<FrameListener>;
  readonly heat: () => Heat;
}

/** The loop, and what is done after each analysed frame. */
function watch(
  parts: RoomParts,
  { room, privacy, pictures, pagePictures, frameListeners, heat }: WatchedRoom,
): Promise<void> {
  const { config, log, clock, signal, untilEnd, notifier, statistics, engine, turns, model, publisher, camera } = parts;
  const { frameIntervalMs } = parts.recognition;
  const problems = parts.ownProblems;
  const rememberFaces = rememberStaticFaces(room, parts.ownSettings, log);
  const speed = createSpeedWatch(problems);
  return watchRoom({
    camera,
    engine,
    ...(turns === undefined ? {} : { turns }),
    room,
    privacy,
    notifier,
    signal,
    log,
    problems,
    clock,
    crops: () => config.privacy.snapshots || pagePictures.isOpen,
    awaited: () => frameListeners.size > 0,
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
      pagePictures.frame(analysis, room.observations);
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
  const place = journalPlace(config);
  if (looksKeptMs === 0) eraseJournal(place.directory);
  const open = () => openJournalStore({ ...place, onDamage: (sentence) => log('warning', sentence) });
  return createJournal({
    open: looksKeptMs > 0 ? open : null,
    retentionMs: looksKeptMs,
    space,
    people: () => new Set(people().map(({ id }) => id)),
    clock,
    log,
  });
}

/** Passes the room's news to MQTT, the log, the caller of the daemon and the journal. */
function roomListener(
  { log, listener, publisher, journal, gallery }: RoomParts,
  pictures: EventPictures | null,
): RoomListener {
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
  { config, log, publisher, camera, ownProblems: problems }: RoomParts,
  room: Room,
  pagePictures: PagePictures,
): PrivacySwitch {
  const runtime = runtimeDirectory();
  return createPrivacySwitch({
    file: createPositionFile(
      config.store.roomDirectory,
      runtime === null ? null : positionCopyPath(config.room.id, runtime),
    ),
    problems,
    log,
    async apply(on) {
      if (!on) room.blind(true);
      if (!on) pagePictures.clear();
      publisher.recognition(on);
      if (!on) await camera.stop();
      log('notice', on ? 'recognition is on' : 'recognition is off, the camera is stopped');
    },
  });
}

/** Publishes whether the camera gives frames, and warns when it stops unexpectedly. */
function connectCamera(
  { log, signal, untilEnd, publisher, camera }: RoomParts,
  room: Room,
  privacy: PrivacySwitch,
): void {
  camera.onState(({ state, reason }) => {
    if (state !== 'online') room.blind(!privacy.on);
    // A pause and the start after it are no faults: the camera's entity keeps its state, and presence becomes unknown.
    if (state === 'online' || (state === 'offline' && privacy.on)) publisher.camera(state === 'online');
    const expected = untilEnd || signal.aborted || !privacy.on;
    if (state === 'offline' && !expected) log('warning', `the camera is offline: ${reason ?? 'no frames'}`);
    if (state === 'online') log('info', 'the camera is online');
  });
}

function publishHealth(parts: RoomParts, room: Room, heat: Heat): void {
  const { publisher, statistics, camera, model, gallery } = parts;
  const { drops } = camera.status;
  const sentences = problemsOf(parts).list.map(({ part, sentence }) => `${part}: ${sentence}`);
  const needsPhotos = peopleWithFewPhotos(gallery.current()).map(({ name }) => name);
  const { embedder } = model;
  publisher.health(healthReport(statistics, drops, room.staticFaces.length, needsPhotos, embedder, sentences, heat));
}

/** The problems of this room and of what it shares, and those with what the broker takes, which the connection has logged already. */
function problemsOf({ problems, ownProblems, publisher }: RoomParts): Pick<Problems, 'list'> {
  return {
    get list() {
      const shared = ownProblems === problems ? [] : problems.list;
      const warnings = publisher.status().warnings;
      return [
        ...shared,
        ...ownProblems.list,
        ...warnings.map((sentence) => ({ part: 'broker', sentence, sinceMs: null }) as const),
      ];
    },
  };
}
