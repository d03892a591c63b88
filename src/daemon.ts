// The composition root: opens what all rooms share, runs the rooms and closes everything in reverse order. It decides nothing itself.
// src/daemon/room.ts opens what one room has for itself.
import { type Clock, systemClock } from './base/clock.js';
import { faultsOf, sentenceOf } from './base/errors.js';
import { type Log, withoutNames } from './base/log.js';
import { createProblems } from './base/problems.js';
import type { Config } from './config/load.js';
import { createCalibrator, engineOptions, recognitionOptions } from './config/parts.js';
import { readHeat } from './control/heat.js';
import { createPhotoPlace } from './control/photo.js';
import { roomNotifiers } from './control/progress.js';
import { createStatistics, type Statistics } from './control/statistics.js';
import { createNotifier, type Notifier } from './control/systemd.js';
import { createGalleryReader, createKnownNames, keepSnapshots, watchDisk } from './daemon/gallery.js';
import { runRoom, type SharedParts } from './daemon/room.js';
import { prepareRoomState } from './daemon/room-state.js';
import type { EngineInfo } from './engine/engine.js';
import { createEngine } from './engine/supervisor.js';
import { createTurns } from './engine/turns.js';
import type { RoomListener } from './room/room.js';
import { readHouseholdKey, readLeftKey } from './sharing/key.js';
import { openStore } from './store/gallery-store.js';
import { lockDirectory } from './store/lock.js';
import { takeRestored } from './store/opening.js';
import { createSettings } from './store/settings.js';

export interface DaemonOptions {
  /** The configuration of each room, at least one. */
  readonly rooms: readonly [Config, ...Config[]];
  readonly log: Log;
  /** Ends the daemon cleanly. */
  readonly signal: AbortSignal;
  /** Plays a recording without losing a frame and ends with it. Otherwise the daemon goes on, with the camera offline. */
  readonly untilEnd?: boolean;
  /** Makes what receives the published states and events of a room, one of `rooms`, for `run --json`. */
  readonly listenerOf?: (room: string, rooms: number) => Partial<RoomListener>;
  /** Called when all parts run, before the first frame; once more after each reload. */
  readonly onReady?: () => void;
  readonly clock?: Clock;
  /** Where a new configuration comes from while the daemon runs (SIGHUP). */
  readonly reload?: ReloadRequests;
}

export interface ReloadRequests {
  /** Reads the configuration again. Errors: CONFIG_MISSING, CONFIG_INVALID. */
  read(): DaemonOptions['rooms'];
  /** Calls `listener` for each request until the returned function is called. */
  onRequest(listener: () => void): () => void;
}

/** How often the gallery is checked for another process's change while no frames come, milliseconds. */
const galleryCheckMs = 500;

/**
 * Runs until `signal` aborts. After the start, no fault of a part ends it: the part is tried again and `status` says what is
 * wrong. Resolves to the statistics of the first room. Errors of the start: CONFIG_*, DIRECTORY_IN_USE, MODEL_*, KEY_FILE, DATABASE, DAEMON_RUNNING.
 */
export async function runDaemon(options: DaemonOptions): Promise<Statistics> {
  const { log, signal, reload, clock = systemClock } = options;
  const notifier = createNotifier({ clock, log });
  const statistics = createRoomStatistics(clock);
  let { rooms } = options;
  /** Whether damage that shows while the daemon runs may still start a new run, which restores a snapshot. */
  let mayRestore = true;
  /** The configuration that ran before a reload, until the new one runs. */
  let proven: DaemonOptions['rooms'] | null = null;
  try {
    for (;;) {
      const restart = new AbortController();
      const stopListening = reload?.onRequest(() => {
        try {
          const next = reload.read();
          proven = rooms;
          rooms = next;
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
        const run = { ...options, rooms, onReady, clock, signal: AbortSignal.any([signal, restart.signal]) };
        await runOnce(run, notifier, statistics, (cause) => {
          if (cause === 'damage' && !mayRestore) return;
          if (cause === 'damage') mayRestore = false;
          restart.abort();
        });
      } catch (error) {
        if (signal.aborted) break;
        if (proven === null) throw error;
        log('error', `the new configuration does not work, the old one is used: ${sentenceOf(error)}`);
        rooms = proven;
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
  return statistics(options.rooms[0].room.id);
}

function faultLines(error: unknown): readonly string[] {
  return error instanceof Error ? faultsOf(error) : [];
}

/** The statistics of each room by its id, over all runs of the daemon. */
function createRoomStatistics(clock: Clock): (room: string) => Statistics {
  const known = new Map<string, Statistics>();
  return (room) => {
    const statistics = known.get(room) ?? createStatistics(clock);
    known.set(room, statistics);
    return statistics;
  };
}

/** Opens every part, runs until `options.signal` aborts, and closes them. `restart` asks for a run with all parts opened again. */
async function runOnce(
  options: DaemonOptions & { readonly clock: Clock },
  notifier: Notifier,
  statistics: (room: string) => Statistics,
  restart: (cause: 'disk' | 'damage' | 'command') => void,
): Promise<void> {
  const { rooms, untilEnd = false, clock, listenerOf } = options;
  // What is shared is the same in all of them.
  const [config] = rooms;
  const ids = rooms.map(({ room }) => room.id);
  // An error that ends one room ends the others.
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const people = createKnownNames();
  const log = config.service.namesInLog ? options.log : withoutNames(options.log, people.names);
  const problems = createProblems(clock, log);
  /** What is said while the store opens, before its names are known. */
  const early: string[] = [];
  let onDamage = (sentence: string): void => void early.push(sentence);
  using lock = lockDirectory(config.store.directory, ids.join());
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
  if (store.unwritable === null)
    problems.attempt('settings', () => prepareRoomState(rooms, lock?.former ?? null, store));
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
  const { calibrated } = createCalibrator(config, model.space, recognitionOptions(config));
  const gallery = createGalleryReader(store, () => calibrated(store.gallery(model.space)), problems);
  gallery.onChange(({ people }) => log('info', 'the gallery was read', { people: people.length }));
  gallery.current();
  const galleryTimer = setInterval(gallery.current, galleryCheckMs);

  const shared: SharedParts = {
    clock,
    signal,
    untilEnd,
    heat,
    problems,
    store,
    settings,
    engine,
    model,
    gallery,
    photos: createPhotoPlace(),
    ...(rooms.length === 1 ? {} : { turns: createTurns() }),
    restart() {
      log('notice', 'a restart was asked for over MQTT: every part is opened again');
      restart('command');
    },
  };
  const notifiers = roomNotifiers(notifier, rooms.length);
  let ready = 0;
  const onReady = (): void => {
    if (++ready < rooms.length) return;
    notifier.ready(`${ids.length === 1 ? 'room' : 'rooms'} ${ids.join(', ')}, ${model.embedder}, ${model.delegate}`);
    options.onReady?.();
  };
  const runs = rooms.map(async (roomConfig, index) => {
    const { id } = roomConfig.room;
    try {
      await runRoom(shared, {
        config: roomConfig,
        log: rooms.length === 1 ? log : ofRoom(id, log),
        notifier: notifiers[index]!,
        statistics: statistics(id),
        listener: listenerOf?.(id, rooms.length) ?? {},
        // One gallery is shared once, whatever the number of rooms.
        sharing: index === 0 ? { key: householdKey, leaves } : null,
        onReady,
      });
    } catch (error) {
      ending.abort();
      throw error;
    }
  });
  try {
    const failed = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    clearInterval(galleryTimer);
  }
}

/** A log whose lines begin with the room. */
function ofRoom(room: string, log: Log): Log {
  return (level, message, fields) => log(level, `${room}: ${message}`, fields);
}
