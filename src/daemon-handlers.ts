// What the running daemon answers on its control socket.
import type { Clock } from './base/clock.js';
import { packageVersion } from './base/package-root.js';
import type { Camera } from './capture/camera.js';
import type { Config } from './config.js';
import type { Meter } from './daemon-meter.js';
import type { Gallery } from './domain/gallery.js';
import type { EngineInfo } from './engine/engine.js';
import { explainLook } from './explain-look.js';
import { createLiveWatcher } from './live-watcher.js';
import type { LookLog } from './look-log.js';
import type { PrivacySwitch } from './privacy-switch.js';
import { createWallTime } from './publish/payloads.js';
import type { Publisher } from './publish/publisher.js';
import type { Room, RoomListener } from './room.js';
import { createRoomWatcher, roomState } from './room-watcher.js';
import type { ControlHandlers } from './service/control.js';
import type { DaemonStatus } from './service/control-protocol.js';

export interface HandlerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly model: EngineInfo;
  readonly camera: Camera;
  readonly room: Room;
  readonly looks: LookLog;
  readonly meter: Meter;
  readonly privacy: PrivacySwitch;
  readonly publisher: Publisher;
  readonly watchers: Set<RoomListener>;
  currentGallery(): Gallery;
}

export function daemonHandlers(parts: HandlerParts): ControlHandlers {
  const { config, clock, model, camera, room, looks, meter, privacy, publisher, watchers, currentGallery } = parts;
  const wallTime = createWallTime(clock);
  const attending = new Set<RoomListener>();

  function status(): DaemonStatus {
    const people = currentGallery().people;
    const connection = publisher.status();
    const { state, reason, frames, drops, reopened } = camera.status;
    return {
      version: packageVersion,
      room: config.room.id,
      pid: process.pid,
      uptimeSeconds: Math.round(meter.uptimeSeconds()),
      recognition: privacy.on ? 'on' : 'off',
      camera: { state: privacy.on ? state : 'paused', reason: privacy.on ? reason : null, frames, drops, reopened },
      engine: {
        detector: model.detector,
        embedder: model.embedder,
        delegate: model.delegate,
        delegateReason: model.delegateReason,
        restarts: meter.faults,
      },
      frames: {
        processed: meter.frames,
        fps: meter.fps() ?? 0,
        p50Ms: meter.latencyMs(0.5),
        p95Ms: meter.latencyMs(0.95),
      },
      gallery: { people: people.length, templates: people.reduce((sum, person) => sum + person.templates.length, 0) },
      mqtt: { connected: connection.connected, url: connection.broker, reason: connection.fault },
      presence: roomState(room.snapshot, wallTime),
      fixedFaces: room.fixedFaces.map(({ box: [x, y, width, height], stillMs }) => ({
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
      const names = new Map(currentGallery().people.map(({ id, name }) => [id, name]));
      return looks.recent(last).map((look) => explainLook(look, names));
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
      attending.add(watcher);
      room.attended = true;
      watcher.state(room.snapshot);
      return () => {
        watchers.delete(watcher);
        attending.delete(watcher);
        room.attended = attending.size > 0;
      };
    },
  };
}
