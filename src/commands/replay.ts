// roomkin replay: re-evaluates the observations of the last day with the present gallery and thresholds, and shows which decisions
// change. It only reads, so the daemon may run.
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { reasonText } from '../gallery/reason-text.js';
import { type Outcome, type RecordedObservation, type ReplayedTrack, replayJournal } from '../journal/replay.js';
import type { JournalStore } from '../journal/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery, openJournal } from './parts.js';
import { count, wrap } from './rows.js';
import type { Given } from './verbs.js';

/** Observations between two lines of progress. */
const progressEvery = 1000;

export async function run({ since }: Given<'replay'>, io: CommandIo): Promise<void> {
  const sinceMs = Date.now() - since.ms;
  using journal = await openJournal(io);
  const tracks = journal === null ? [] : replayTracks(journal, sinceMs, io);
  const whole = tracks.filter((track) => track.whole);
  const changed = whole.filter(isChanged);
  const names = namesOf(io);
  io.document({
    since: new Date(sinceMs).toISOString(),
    tracks: whole.length,
    unchanged: whole.length - changed.length,
    leftOut: tracks.length - whole.length,
    changes: changed.map((track) => documented(track, names)),
  });
  for (const track of changed) for (const line of changeLines(track, names, io.columns)) io.out(line);
  for (const line of wrap(summary(tracks, changed.length, since.text), Math.min(io.columns, 80))) io.out(line);
}

/** The tracks since `sinceMs`. Observations of another embedding space than the configured one cannot be compared; they are skipped. */
function replayTracks(journal: JournalStore, sinceMs: number, io: CommandIo): readonly ReplayedTrack[] {
  const config = io.config();
  const options = recognitionOptions(config);
  const space = configuredSpace(io);
  using store = openGallery(io);
  const gallery = createCalibrator(config, space, options).calibrated(store.gallery(space));
  function* entriesOfSpace(): Generator<RecordedObservation> {
    for (const entry of journal.since(sinceMs)) if (entry.space === space) yield entry;
  }
  const tracks = replayJournal(entriesOfSpace, gallery, options, (done) => {
    if (done % progressEvery === 0) io.progress(`${done} observations`);
  });
  io.progress('');
  return tracks;
}

/** Whether the person differs, or, where there is none, whether the track is an unknown person. */
function isChanged({ before, after }: ReplayedTrack): boolean {
  const isStranger = ({ state }: Outcome): boolean => state === 'stranger';
  return before.person !== after.person || (before.person === null && isStranger(before) !== isStranger(after));
}

function documented({ firstMs, run, track, observations, before, after }: ReplayedTrack, names: Names) {
  const { person, state } = before;
  return {
    at: new Date(firstMs).toISOString(),
    run,
    track,
    looks: observations,
    before: { person, state },
    after: { ...after, rule: reasonText(after.reason, names) },
  };
}

type Names = ReadonlyMap<string, string>;

function namesOf(io: CommandIo): Names {
  using store = openGallery(io);
  return new Map(store.people().map(({ id, name }) => [id, name]));
}

function changeLines(replayed: ReplayedTrack, names: Names, columns: number): string[] {
  const { firstMs, track, observations, before, after } = replayed;
  const head = `${new Date(firstMs).toLocaleTimeString('en-GB')}  `;
  const text =
    `track ${track}, ${count(observations, 'observation')}: was ${outcomeText(before, names)}, ` +
    `now ${outcomeText(after, names)}: ${reasonText(after.reason, names)}`;
  const lines = wrap(text, Math.max(20, Math.min(columns, 80) - head.length));
  return lines.map((line, i) => `${i === 0 ? head : ' '.repeat(head.length)}${line}`);
}

function outcomeText({ person, state }: Outcome, names: Names): string {
  if (person !== null) return names.get(person) ?? person;
  return state === 'stranger' ? 'an unknown person' : 'nobody';
}

function summary(tracks: readonly ReplayedTrack[], changed: number, since: string): string {
  const whole = tracks.filter((track) => track.whole);
  const [first] = whole;
  if (first === undefined) return `There is no observation of the last ${since}, so there is nothing to replay.`;
  const time = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB', { timeStyle: 'short' });
  const lastMs = Math.max(...whole.map((track) => track.lastMs));
  const span = `${count(whole.length, 'track')} from ${time(first.firstMs)} to ${time(lastMs)}`;
  const outcome =
    changed === 0 ? 'no decision changes' : `${changed} would be decided differently, ${whole.length - changed} not`;
  const rest = tracks.length - whole.length;
  const skipped = rest === 0 ? '' : ` ${rest} began earlier and ${rest === 1 ? 'is' : 'are'} left out.`;
  return `${span}: ${outcome}.${skipped}`;
}
