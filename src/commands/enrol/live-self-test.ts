// The end of `roomkin enrol NAME --live`: the room is watched until the daemon itself names the person. Whatever comes out, the
// enrolment stays.
import { RoomkinError } from '../../base/errors.js';
import { createCalibrator, recognitionOptions } from '../../config/parts.js';
import { reasonText } from '../../recognition/reason-text.js';
import type { Store } from '../../store/store.js';
import type { CommandIo } from '../command.js';
import type { KeptSamples } from './keep.js';
import type { LiveFeed } from './live-feed.js';
import { noTest, outcome, type SelfTest, tested, testedObservations } from './self-test.js';

/** Without a good look for so long nobody stands there any more. */
const patienceMs = 15_000;

/** An element of the JSON result. */
export interface SelfTestResult {
  /** `not done`: nobody stood before the camera any more, or the camera or the daemon stopped. */
  readonly result: 'passed' | 'failed' | 'not done';
  /** Looks since the person was first named, and those that had the name. */
  readonly looks: number;
  readonly named: number;
  /** Least similarity of one look, and what one look needs for a name. */
  readonly leastSimilarity: number | null;
  readonly needed: number;
  readonly rule: string | null;
}

/** Watches, and says what came of it; whatever does, the person is enrolled. */
export async function selfTest(
  feed: LiveFeed,
  { person, name }: KeptSamples,
  space: string,
  store: Store,
  io: CommandIo,
): Promise<SelfTestResult> {
  const options = recognitionOptions(io.config());
  const { people } = createCalibrator(io.config(), space, options).calibration(store.gallery(space));
  const needed = people.find((one) => one.person === person)?.single ?? options.single.threshold;
  let now = noTest;
  let stopped: string | null = null;
  try {
    now = await watch(feed, person, store.version, io);
  } catch (error) {
    // Exit code 130 would say that nothing was kept.
    if (io.signal.aborted) stopped = 'the self-test was stopped';
    else if (error instanceof RoomkinError) stopped = error.message;
    else throw error;
  }
  io.progress('');
  const result = stopped === null ? (outcome(now) ?? 'not done') : 'not done';
  const { observations: looks, named, leastSimilarity, reason } = now;
  const names = new Map(store.people().map((one) => [one.id, one.name]));
  const rule = reason === null ? null : reasonText(reason, names);
  const of = `${named} of ${looks} looks, similarity ${leastSimilarity?.toFixed(2)} at least, ${needed.toFixed(2)} needed`;
  if (result === 'passed') io.out(`${name} is recognised: ${of}`);
  else if (result === 'not done')
    io.log('warning', `${name} is enrolled, not tried: ${stopped ?? 'nobody stood before the camera any more'}`);
  else
    io.log(
      'warning',
      looks === 0
        ? `${name} is enrolled, but the room did not give the name: ${rule}; roomkin why, roomkin people --check`
        : `${name} is enrolled, but not recognised in each look: ${of}; roomkin enrol once more in this light`,
    );
  return { result, looks, named, leastSimilarity, needed, rule };
}

/** Until there is an outcome, or nobody stands there. Errors: DAEMON_NOT_RUNNING. */
async function watch(feed: LiveFeed, person: string, version: number, io: CommandIo): Promise<SelfTest> {
  let now = noTest;
  let goodMs = performance.now();
  while (outcome(now) === null && performance.now() - goodMs < patienceMs) {
    const update = await feed.next();
    // Looks that were judged by the gallery as it was before say nothing.
    const fresh = update?.type === 'frame' && update.gallery >= version ? update.faces : [];
    const [face = null] = fresh.toSorted((a, b) => b.quality.eyesPx - a.quality.eyesPx);
    if (face !== null && face.weight > 0) {
      now = tested(now, face, person);
      goodMs = performance.now();
    }
    io.meter([`look into the camera once more: does the room know you? ${now.observations} of ${testedObservations}`]);
  }
  return now;
}
