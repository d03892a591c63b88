// roomkin check: checks everything that roomkin needs, with or without a running daemon. It changes nothing, and says what to do about
// each problem.
import { fail, faultsOf, RoomkinError, sentenceOf } from '../base/errors.js';
import type { Config, Rooms } from '../config/load.js';
import { askReport } from '../control/ask-report.js';
import { askDaemon } from '../control/client.js';
import type { DaemonStatus } from '../control/protocol.js';
import { leastPerSecond, rateText } from '../control/speed.js';
import { checkBroker } from './check/broker.js';
import { checkCamera, checkPermissions } from './check/camera.js';
import { type Finding, fault, ok, warn } from './check/finding.js';
import { checkGallery, checkHousehold, galleryFinding, householdFinding } from './check/gallery.js';
import { checkClock, checkDisk, checkHeat, checkNode } from './check/machine.js';
import { checkModels } from './check/models.js';
import { showPrivacy } from './check/privacy.js';
import type { CommandIo } from './command.js';
import { daemonSocket, mayOpen } from './parts.js';
import { wrapRow } from './rows.js';
import { describeStaticFaces } from './status.js';
import type { Given } from './verbs.js';

export async function run({ privacy }: Given<'check'>, io: CommandIo): Promise<void> {
  if (privacy) return showPrivacy(io);
  const findings: Finding[] = [];
  for await (const finding of examine(io)) {
    findings.push(finding);
    for (const line of findingLines(finding, io.columns)) io.out(line);
  }
  io.progress('');
  const bad = findings.filter((finding) => finding.state === 'fail');
  io.document({ ok: bad.length === 0, checks: findings });
  if (bad.length === 0) return;
  const names = bad.map((finding) => finding.check).join(', ');
  throw fail(
    bad.find((finding) => finding.code)?.code ?? 'CHECK_FAILED',
    `${bad.length} of ${findings.length} checks failed: ${names}`,
  );
}

/** All checks in order; without a configuration, only those that do not need one. */
async function* examine(io: CommandIo): AsyncGenerator<Finding> {
  yield checkNode();
  const rooms = readRooms(io);
  if ('check' in rooms) {
    yield rooms;
    yield* examineMachine();
    return;
  }
  const [config] = rooms;
  const isSingle = rooms.length === 1;
  yield ok(
    'config',
    isSingle
      ? `room ${config.room.id}, camera ${config.camera.source}`
      : `${rooms.length} rooms: ${rooms.map(({ room }) => room.id).join(', ')}`,
  );
  io.progress('loading the models...');
  yield await checkModels(config, io);
  let isRunning = false;
  for (const room of rooms) {
    const [daemon, status] = await findDaemon(room);
    isRunning ||= status !== null;
    for await (const finding of examineRoom(room, daemon, status, io))
      yield isSingle ? finding : { ...finding, found: `${room.room.id}: ${finding.found}` };
  }
  if (mayOpen(config.store.directory)) {
    yield checkGallery(config);
    yield checkHousehold(config);
  } else yield* askGallery(config, isRunning, io);
  yield await checkDisk(config.store.directory);
  yield* examineMachine();
}

/** What each room has for itself. `daemon`, `status`: as `findDaemon` gives them. */
async function* examineRoom(
  config: Config,
  daemon: Finding,
  status: DaemonStatus | null,
  io: CommandIo,
): AsyncGenerator<Finding> {
  yield daemon;
  if (status !== null && status.fixedFaces.length > 0) yield ok('pictures', describeStaticFaces(status.fixedFaces));
  for (const { part, problem } of status?.problems ?? []) yield warn('problem', part, problem);
  const devices = await checkPermissions(config);
  // The devices are for the user of the daemon. What this user may open does not matter while it runs.
  if (devices !== null && (status === null || devices.state === 'ok')) yield devices;
  io.progress('waiting for a frame from the camera...');
  yield await checkCamera(config, status);
  // A daemon that runs measures it.
  if (status === null && config.camera.framerate < leastPerSecond)
    yield warn(
      'speed',
      `[camera] framerate is ${config.camera.framerate}`,
      'raise it to 2 or more: at this rate people are recognised late, and a passer-by not at all',
    );
  io.progress('waiting for the broker...');
  yield await checkBroker(config, status?.mqtt.connected === true);
}

/** The gallery and the sharing for a user who may not look into the state directory: from the daemon. */
async function* askGallery(config: Config, isRunning: boolean, io: CommandIo): AsyncGenerator<Finding> {
  if (!isRunning) {
    const found = `not examined: this user may not look into ${config.store.directory}`;
    for (const check of ['gallery', 'household'])
      yield warn(check, found, 'start the daemon and check again, or use `sudo roomkin check`');
    return;
  }
  const place = daemonSocket(config);
  try {
    yield galleryFinding(await askReport(place, 'people', {}, io));
    yield householdFinding(await askReport(place, 'household', {}, io));
  } catch (error) {
    if (!(error instanceof RoomkinError)) throw error;
    yield fault('gallery', error);
  }
}

async function* examineMachine(): AsyncGenerator<Finding> {
  yield await checkClock();
  yield await checkHeat();
}

function readRooms(io: CommandIo): Rooms | Finding {
  try {
    return io.rooms();
  } catch (error) {
    const finding = fault('config', error);
    const faults = faultsOf(error as Error);
    return { ...finding, advice: faults.length > 0 ? faults.join(' ') : null };
  }
}

async function findDaemon(config: Config): Promise<[Finding, DaemonStatus | null]> {
  try {
    const status = await askDaemon<DaemonStatus>(daemonSocket(config), { verb: 'status' }, 10_000);
    return [
      ok(
        'daemon',
        `running, version ${status.version}, ${status.frames.fps < 1 ? rateText(status.frames.fps) : status.frames.fps.toFixed(1)} frames a second`,
      ),
      status,
    ];
  } catch (error) {
    // The daemon would reject this configuration too.
    if (error instanceof RoomkinError && error.code === 'CONFIG_INVALID') return [fault('daemon', error), null];
    return [warn('daemon', 'no answer', sentenceOf(error)), null];
  }
}

const marks = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const;

/** A finding as lines of at most `columns` characters. */
export function findingLines({ check, state, found, advice }: Finding, columns: number): string[] {
  const text = advice === null ? found : `${found}: ${advice}`;
  return wrapRow(check, text, columns - 5).map((line, i) => `${i === 0 ? marks[state] : '    '} ${line}`);
}
