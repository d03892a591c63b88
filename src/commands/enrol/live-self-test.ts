// The end of `roomkin enrol NAME --live`: waits until the daemon itself names the person. The enrolment stays, whatever the
// result is.
import { RoomkinError } from '../../base/errors.js';
import { createCalibrator, recognitionOptions } from '../../config/parts.js';
import { reasonText } from '../../gallery/reason-text.js';
import type { Store } from '../../store/store.js';
import type { CommandIo } from '../command.js';
import type { KeptSamples } from './keep.js';
import type { LiveFeed } from './live-feed.js';
import { noTest, outcome, type SelfTest, tested, testedObservations } from './self-test.js';

/** After this time without a good observation, nobody stands in front of the camera any more. */
const patienceMs = 15_000;

/** An element of the JSON result. */
export interface SelfTestResult {
  /** `not done`: nobody stood in front of the camera any more, or the camera or the daemon stopped. */
  readonly result: 'passed' | 'failed' | 'not done';
  /** Observations since the person was first named. */
  readonly looks: number;
  /** Those of them that had the name. */
  readonly named: number;
  /** Lowest similarity of one observation. */
  readonly leastSimilarity: number | null;
  /** The similarity that one observation needs for the name. */
  readonly needed: number;
  /** The reason for the last decision, in words. */
  readonly rule: string | null;
}

/** Runs the test and reports its result. Does not fail when the camera or the daemon stops: the person is enrolled already. */
export async function selfTest(
  feed: LiveFeed,
  { person, name }: KeptSamples,
  space: string,
  store: Store,
  io: CommandIo,
): Promise<SelfTestResult> {
  const options = recognitionOptions(io.config());
  const { people } = createCalibrator(io.config(), space, options).calibration(store.gallery(space));
  const needed = people.find((calibration) => calibration.person === person)?.single ?? options.single.threshold;
  let test = noTest;
  let stopped: string | null = null;
  try {
    test = await watch(feed, person, store.version, io);
  } catch (error) {
    // Exit code 130 would mean that nothing was enrolled.
    if (io.signal.aborted) stopped = 'the self-test was stopped';
    else if (error instanceof RoomkinError) stopped = error.message;
    else throw error;
  }
  io.progress('');
  const result = stopped === null ? (outcome(test) ?? 'not done') : 'not done';
  const { observations, named, leastSimilarity, reason } = test;
  const names = new Map(store.people().map(({ id, name }) => [id, name]));
  const rule = reason === null ? null : reasonText(reason, names);
  const figures =
    `${named} of ${observations} observations have the name, lowest similarity ${leastSimilarity?.toFixed(2)}, ` +
    `${needed.toFixed(2)} needed`;
  if (result === 'passed') io.out(`${name} is recognised: ${figures}`);
  else if (result === 'not done')
    io.log(
      'warning',
      `${name} is enrolled, but was not tested: ${stopped ?? 'nobody stood in front of the camera any more'}`,
    );
  else
    io.log(
      'warning',
      observations === 0
        ? `${name} is enrolled, but was not recognised: ${rule}; see roomkin why and roomkin people --check`
        : `${name} is enrolled, but was not recognised in every observation: ${figures}; enrol again in this light`,
    );
  return { result, looks: observations, named, leastSimilarity, needed, rule };
}

/** Runs until there is an outcome, or nobody stands in front of the camera. Errors: DAEMON_NOT_RUNNING. */
async function watch(feed: LiveFeed, person: string, version: number, io: CommandIo): Promise<SelfTest> {
  let test = noTest;
  let goodMs = io.clock.monotonicMs();
  while (outcome(test) === null && io.clock.monotonicMs() - goodMs < patienceMs) {
    const update = await feed.next();
    // Observations that were compared with the gallery as it was before the enrolment do not count.
    const faces = update?.type === 'frame' && update.gallery >= version ? update.faces : [];
    const [face = null] = faces.toSorted((a, b) => b.quality.eyesPx - a.quality.eyesPx);
    if (face !== null && face.weight > 0) {
      test = tested(test, face, person);
      goodMs = io.clock.monotonicMs();
    }
    io.meter([`test: look into the camera again, ${test.observations} of ${testedObservations}`]);
  }
  return test;
}
