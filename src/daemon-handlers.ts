// What the running daemon answers on its control socket.
import type { Clock } from './base/clock.js';
import { packageVersion } from './base/package-root.js';
import type { Camera } from './capture/camera.js';
import type { Config } from './config.js';
import type { Meter } from './daemon-meter.js';
import type { Gallery } from './domain/gallery.js';
import type { LookExplained } from './domain/look.js';
import type { EngineInfo } from './engine/engine.js';
import type { PrivacySwitch } from './privacy-switch.js';
import { createWallTime } from './publish/payloads.js';
import type { Publisher } from './publish/publisher.js';
import type { Room, RoomListener } from './room.js';
import { createRoomWatcher, roomState } from './room-watcher.js';
import type { ControlHandlers } from './service/control.js';
import type { DaemonStatus, FaceLook } from './service/control-protocol.js';

export interface HandlerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly model: EngineInfo;
  readonly camera: Camera;
  readonly room: Room;
  readonly meter: Meter;
  readonly privacy: PrivacySwitch;
  readonly publisher: Publisher;
  readonly watchers: Set<RoomListener>;
  currentGallery(): Gallery;
}

export function daemonHandlers(parts: HandlerParts): ControlHandlers {
  const { config, clock, model, camera, room, meter, privacy, publisher, watchers, currentGallery } = parts;
  const wallTime = createWallTime(clock);

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

  function explain(look: LookExplained): FaceLook {
    const names = new Map(currentGallery().people.map((person) => [person.id, person.name]));
    const near = (person: string | null, similarity: number | null) =>
      person === null || similarity === null ? null : { name: names.get(person) ?? person, similarity };
    return {
      at: wallTime(look.atMs),
      track: look.track,
      ...look.quality,
      best: near(look.best, look.similarity),
      second: near(look.runnerUp, look.second),
      margin: look.margin,
      name: look.person === null ? null : (names.get(look.person) ?? look.person),
      rule: look.rule,
    };
  }

  return {
    status,
    why: (last) => room.looks(last).map(explain),
    pause: () => privacy.set(false),
    resume: () => privacy.set(true),
    watch(send) {
      const watcher = createRoomWatcher(clock, send);
      watchers.add(watcher);
      watcher.state(room.snapshot);
      return () => watchers.delete(watcher);
    },
  };
}
