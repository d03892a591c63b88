// roomkin replay: the faces of the last day once more, under the present gallery and thresholds, and what would have changed. Reads
// only: the daemon may run.
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { reasonText } from '../gallery/reason-text.js';
import { type Outcome, type RecordedObservation, type ReplayedTrack, replayJournal } from '../journal/replay.js';
import type { JournalStore } from '../journal/store.js';
import type { CommandIo } from './command.js';
import { openJournal } from './journal.js';
import { configuredSpace, openGallery } from './parts.js';
import { wrap } from './rows.js';
import type { Given } from './verbs.js';

/** Looks between two lines of progress. */
const progressEvery = 1000;

export async function run({ since }: Given<'replay'>, io: CommandIo): Promise<void> {
  const sinceMs = Date.now() - since.ms;
  using looks = openJournal(io);
  const tracks = looks === null ? [] : judged(looks, sinceMs, io);
  const whole = tracks.filter((one) => one.whole);
  const changed = whole.filter(isChanged);
  const names = namesOf(io);
  io.document({
    since: new Date(sinceMs).toISOString(),
    tracks: whole.length,
    unchanged: whole.length - changed.length,
    leftOut: tracks.length - whole.length,
    changes: changed.map((change) => documented(change, names)),
  });
  for (const one of changed) for (const line of changeLines(one, names, io.columns)) io.out(line);
  for (const line of wrap(summary(tracks, changed.length, since.text), Math.min(io.columns, 80))) io.out(line);
}

/** The tracks since then. Looks of another embedding space than the configured one cannot be compared and are not among them. */
function judged(looks: JournalStore, sinceMs: number, io: CommandIo): readonly ReplayedTrack[] {
  const config = io.config();
  const options = recognitionOptions(config);
  const space = configuredSpace(io);
  using store = openGallery(io);
  const gallery = createCalibrator(config, space, options).calibrated(store.gallery(space));
  function* ofSpace(): Generator<RecordedObservation> {
    for (const look of looks.since(sinceMs)) if (look.space === space) yield look;
  }
  const tracks = replayJournal(ofSpace, gallery, options, (done) => {
    if (done % progressEvery === 0) io.progress(`${done} looks`);
  });
  io.progress('');
  return tracks;
}

/** Another name, or a stranger where there was none or no stranger where there was one. */
function isChanged({ before, after }: ReplayedTrack): boolean {
  const stranger = ({ state }: Outcome): boolean => state === 'stranger';
  return before.person !== after.person || (before.person === null && stranger(before) !== stranger(after));
}

function documented(
  { firstMs, run, track, observations: looks, before, after }: ReplayedTrack,
  names: ReadonlyMap<string, string>,
) {
  const { person, state } = before;
  const rule = reasonText(after.reason, names);
  return {
    at: new Date(firstMs).toISOString(),
    run,
    track,
    looks,
    before: { person, state },
    after: { ...after, rule },
  };
}

function namesOf(io: CommandIo): ReadonlyMap<string, string> {
  using store = openGallery(io);
  return new Map(store.people().map(({ id, name }) => [id, name]));
}

function changeLines(one: ReplayedTrack, names: ReadonlyMap<string, string>, columns: number): string[] {
  const { firstMs, track, observations: looks, before, after } = one;
  const said = ({ person, state }: Outcome): string =>
    person === null ? (state === 'stranger' ? 'a stranger' : 'nobody') : (names.get(person) ?? person);
  const head = `${new Date(firstMs).toLocaleTimeString('en-GB')}  `;
  const text = `track ${track}, ${looks} looks: was ${said(before)}, now ${said(after)}: ${reasonText(after.reason, names)}`;
  const lines = wrap(text, Math.max(20, Math.min(columns, 80) - head.length));
  return lines.map((line, i) => `${i === 0 ? head : ' '.repeat(head.length)}${line}`);
}

function summary(tracks: readonly ReplayedTrack[], changed: number, since: string): string {
  const whole = tracks.filter((one) => one.whole);
  const [first] = whole;
  if (first === undefined) return `No face of the last ${since} is kept: there is nothing to try.`;
  const time = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB', { timeStyle: 'short' });
  const last = Math.max(...whole.map(({ lastMs }) => lastMs));
  const span = `${whole.length} ${whole.length === 1 ? 'track' : 'tracks'} from ${time(first.firstMs)} to ${time(last)}`;
  const outcome =
    changed === 0 ? 'nothing would have changed' : `${changed} would have changed, ${whole.length - changed} not`;
  const rest = tracks.length - whole.length;
  return `${span}: ${outcome}.${rest > 0 ? ` ${rest} began before and ${rest === 1 ? 'is' : 'are'} left out.` : ''}`;
}
