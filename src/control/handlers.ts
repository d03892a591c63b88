// The handlers of the control socket in the running daemon.
import type { Clock, WallTime } from '../base/clock.js';
import { createWallTime } from '../base/clock.js';
import { fail } from '../base/errors.js';
import { packageVersion } from '../base/files.js';
import type { Problems } from '../base/problems.js';
import type { Camera } from '../camera/camera.js';
import type { Config } from '../config/load.js';
import { recognitionOptions } from '../config/parts.js';
import type { EngineInfo, SharedEngine } from '../engine/engine.js';
import type { Gallery } from '../gallery/person.js';
import { explain, type Journal } from '../journal/journal.js';
import type { Publisher } from '../mqtt/publisher.js';
import type { PresenceSnapshot } from '../presence/presence.js';
import type { DecidedObservation } from '../recognition/observation.js';
import type { Sources } from '../reports/report.js';
import { makeReport, reports } from '../reports/reports.js';
import type { PrivacySwitch } from '../room/privacy-switch.js';
import type { Room, RoomListener } from '../room/room.js';
import type { Store } from '../store/store.js';
import { overlap } from '../vision/face.js';
import type { PagePictures } from './page-pictures.js';
import { faceToSend } from './photo.js';
import {
  type DaemonStatus,
  encodeEmbedding,
  type LiveFace,
  type LiveUpdate,
  type RoomState,
  type WatchUpdate,
} from './protocol.js';
import type { ControlHandlers } from './server.js';
import type { Statistics } from './statistics.js';
import { cameraView, type FrameListener } from './view.js';

export interface HandlerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly engine: Pick<SharedEngine, 'analyzePhoto' | 'info'>;
  readonly model: EngineInfo;
  readonly camera: Camera;
  readonly room: Room;
  readonly store: Store;
  readonly journal: Journal;
  readonly statistics: Statistics;
  readonly problems: Pick<Problems, 'list'>;
  readonly privacy: PrivacySwitch;
  readonly publisher: Publisher;
  readonly watchers: Set<RoomListener>;
  readonly frameListeners: Set<FrameListener>;
  readonly pagePictures: Pick<PagePictures, 'follow' | 'jpeg'>;
  currentGallery(): Gallery;
}

/** What the daemon makes reports from. */
export function daemonSources({
  config,
  store,
  currentGallery,
  model,
  journal,
}: Pick<HandlerParts, 'config' | 'store' | 'currentGallery' | 'model' | 'journal'>): Sources {
  return {
    config,
    store,
    daemon: process.pid,
    get run() {
      return journal.run;
    },
    gallery: currentGallery,
    space: () => model.space,
    journal() {
      journal.flush();
      return journal;
    },
  };
}

export function daemonHandlers(parts: HandlerParts): ControlHandlers {
  const { config, clock, model, camera, room, journal, statistics, privacy, publisher, watchers, currentGallery } =
    parts;
  const { problems, engine } = parts;
  const wallTime = createWallTime(clock);
  const enrolling = new Set<RoomListener>();
  const sources = daemonSources(parts);

  function status(): DaemonStatus {
    const people = currentGallery().people;
    const connection = publisher.status();
    const { state, reason, frames, drops, reopened, snapshots } = camera.status;
    return {
      version: packageVersion,
      room: config.room.id,
      pid: process.pid,
      uptimeSeconds: Math.round(statistics.uptimeSeconds()),
      recognition: privacy.on ? 'on' : 'off',
      recognitionReason: privacy.waiting,
      problems: problems.list.map(({ part, sentence, sinceMs }) => ({
        part,
        problem: sentence,
        since: sinceMs === null ? null : wallTime(sinceMs),
      })),
      camera: {
        state: privacy.on ? state : 'paused',
        reason: privacy.on ? reason : null,
        frames,
        drops,
        reopened,
        snapshots,
      },
      engine: {
        detector: model.detector,
        embedder: model.embedder,
        delegate: model.delegate,
        delegateReason: model.delegateReason,
        sandboxed: model.sandboxed,
        restarts: statistics.faults,
      },
      frames: {
        processed: statistics.frames,
        fps: statistics.fps() ?? 0,
        analysedFps: statistics.analysedFps() ?? 0,
        search: statistics.isReduced ? 'reduced' : 'full',
        p50Ms: statistics.latencyMs(0.5),
        p95Ms: statistics.latencyMs(0.95),
      },
      gallery: { people: people.length, templates: people.reduce((sum, person) => sum + person.templates.length, 0) },
      mqtt: { connected: connection.connected, url: connection.broker, reason: connection.fault },
      presence: roomState(room.snapshot, wallTime),
      fixedFaces: room.staticFaces.map(({ box: [x, y, width, height], stillMs }) => ({
        xPx: Math.round(x + width / 2),
        yPx: Math.round(y + height / 2),
        widthPx: Math.round(width),
        stillSeconds: Math.round(stillMs / 1000),
      })),
    };
  }

  return {
    status,
    why(last) {
      const { people } = currentGallery();
      const options = recognitionOptions(config);
      return journal.recent(last).map((entry) => explain(entry, people, options));
    },
    pause: () => privacy.set(false),
    resume: () => privacy.set(true),
    watch(send) {
      const watcher = createRoomWatcher(clock, send);
      watchers.add(watcher);
      watcher.state(room.snapshot);
      return () => watchers.delete(watcher);
    },
    live(send) {
      const watcher = createLiveWatcher({ model, camera, room, privacy, currentGallery }, send);
      watchers.add(watcher);
      enrolling.add(watcher);
      room.enrolling = true;
      watcher.state(room.snapshot);
      return () => {
        watchers.delete(watcher);
        enrolling.delete(watcher);
        room.enrolling = enrolling.size > 0;
      };
    },
    // A child that was replaced may run without XNNPACK.
    engine: () => engine.info ?? model,
    async analyze(photo, request, { signal, progress }) {
      const { faces, times } = await engine.analyzePhoto(photo, request, signal, progress);
      return { faces: faces.map(faceToSend), times };
    },
    look: (signal) => cameraView({ ...parts, wallTime }, signal),
    pictures: (send) => parts.pagePictures.follow(send),
    picture(track) {
      const jpeg = parts.pagePictures.jpeg(track);
      return { jpeg: jpeg === null ? null : Buffer.from(jpeg).toString('base64') };
    },
    async report(name, given, work) {
      const checked = reports[name].given.safeParse(given);
      if (!checked.success) throw fail('USAGE', `${name}: ${checked.error.issues.map(issueText).join('; ')}`);
      // The type of a report and that of its parameters belong together.
      return makeReport(name, checked.data as never, sources, work);
    },
  };
}

function issueText({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  return path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`;
}

// Changes of a room as `roomkin watch` prints them, for the control socket and for `roomkin run --json`.

/** The present state with wall times; every value is null while the room is paused or blind. */
function roomState(snapshot: PresenceSnapshot | null, wallTime: WallTime): RoomState {
  if (snapshot === null) return { occupied: null, people: null, ambiguous: null, strangers: null };
  const { occupied, people, ambiguous, strangers } = snapshot;
  return {
    occupied,
    people: people.map(({ person, name, as, sinceMs }) => ({ person, name, as, since: wallTime(sinceMs) })),
    ambiguous: ambiguous.map(({ sinceMs, ...face }) => ({ ...face, since: wallTime(sinceMs) })),
    strangers,
  };
}

/** Passes each change of a room to `send`. */
export function createRoomWatcher(clock: Clock, send: (update: WatchUpdate) => void): RoomListener {
  const wallTime = createWallTime(clock);
  return {
    state: (snapshot) => send({ type: 'state', at: wallTime(clock.monotonicMs()), ...roomState(snapshot, wallTime) }),
    event: ({ type, atMs, person, name, confidence, movedTo }) =>
      send({
        type: 'event',
        at: wallTime(atMs),
        event: type,
        person,
        name,
        confidence,
        ...(movedTo === null ? {} : { moved_to: movedTo }),
      }),
  };
}

// The stream of a guided enrolment: every observation with its embedding, only over the control socket. No pictures.

export type LiveParts = Pick<HandlerParts, 'currentGallery'> & {
  readonly room: Pick<HandlerParts['room'], 'staticFaces' | 'intervalMs'>;
  readonly model: Pick<HandlerParts['model'], 'space'>;
  readonly camera: Pick<Camera, 'status'>;
  readonly privacy: Pick<HandlerParts['privacy'], 'on'>;
};

/** Overlap (intersection over union) of a face with the position of a static face. */
const samePosition = 0.3;

/** Passes the faces of each analysed frame to `send`, or the reason why there are none when the room becomes blind. */
function createLiveWatcher(parts: LiveParts, send: (update: LiveUpdate) => void): RoomListener {
  const { model, camera, room, privacy, currentGallery } = parts;
  /** A static face cannot be enrolled and does not count as a second face. */
  const isStatic = ({ box, weight }: DecidedObservation): boolean =>
    weight === 0 && room.staticFaces.some((face) => overlap(face.box, box) >= samePosition);
  return {
    state(snapshot) {
      if (snapshot !== null) return;
      const { state, reason } = camera.status;
      const why =
        reason ??
        (state === 'starting'
          ? 'the camera is starting'
          : room.intervalMs === null
            ? 'no frame was analysed yet'
            : 'the next frame is still being analysed');
      send({ type: 'blind', paused: !privacy.on, reason: privacy.on ? why : 'recognition is switched off' });
    },
    event: () => {},
    observations(observations) {
      const faces = observations.filter((observation) => !isStatic(observation)).map(liveFace);
      send({ type: 'frame', space: model.space, gallery: currentGallery().version, faces });
    },
  };
}

function liveFace({
  score,
  quality,
  embedding,
  weight,
  best,
  similarity,
  person,
  reason,
}: DecidedObservation): LiveFace {
  const encoded = embedding === null ? null : encodeEmbedding(embedding);
  return { score, quality, embedding: encoded, weight, best, similarity, person, reason };
}
