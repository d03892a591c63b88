// The last faces and where faces were seen, for the page of `roomkin open`.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { isoTime } from '../base/clock.js';
import type { IdentificationState } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import { observationText } from '../gallery/reason-text.js';
import type { JournalEntry } from '../journal/codec.js';
import { qualitySchema } from '../vision/quality-schema.js';
import { report } from './report.js';

const text = z.string();
const px = z.number();
/** A verb reads no more of a reason than its kind and its figures. */
const reason = z.custom<Reason>((value) => z.object({ kind: text }).safeParse(value).success);
const dayMs = 86_400_000;
/** Positions on the plan; the newest ones. */
export const mostPositions = 400;
/** The most entries that are read. */
const mostEntries = 2000;
/** Entries between two turns of the event loop. */
const entriesPerTurn = 100;

/** The newest face of each of the last `last` tracks, newest first, and the last positions of faces: of the newest 2,000 entries of a day. */
export const faces = report({
  method: 'GET',
  given: z.object({
    last: z.coerce.number().int().min(1).max(50),
    /** Only what is newer than the entry with this id. */
    after: z.coerce.number().int().min(0).optional(),
  }),
  answer: z.object({
    /** Of the frame as it is analysed, pixels. */
    width: px,
    height: px,
    /** The run of the daemon that answers; null where none runs. */
    run: text.nullable(),
    /** Everything, also where only what is newer was asked for: what was known before is not valid any more. */
    whole: z.boolean(),
    /** The id of the newest entry that was read, for the next question. */
    newest: z.number().nullable(),
    faces: z.array(
      z.object({
        id: z.number(),
        /** The run of the daemon, and the number of the track in it. */
        run: text,
        track: z.number(),
        at: text,
        box: z.tuple([px, px, px, px]),
        quality: qualitySchema,
        state: text as unknown as z.ZodType<IdentificationState>,
        person: text.nullable(),
        name: text.nullable(),
        /** Whether the observation counted. */
        counted: z.boolean(),
        rule: text,
        reason,
      }),
    ),
    /** Centres of faces, oldest first. `name` where the track had one. */
    positions: z.array(z.object({ at: text, xPx: px, yPx: px, name: text.nullable() })),
  }),
  async make({ last, after = null }, { config, store, run, journal }) {
    const names = new Map(store.people().map(({ id, name }) => [id, name]));
    const name = (person: string | null): string | null => (person === null ? null : (names.get(person) ?? null));
    const { tracks, positions, isWhole, newest } = await readNewest(journal()?.newestFirst() ?? [], last, after);
    const { width, height, rotation } = config.camera;
    const isSideways = rotation === 90 || rotation === 270;
    return {
      width: isSideways ? height : width,
      height: isSideways ? width : height,
      run: run ?? null,
      whole: isWhole,
      newest,
      faces: tracks.map((entry) => ({
        id: entry.id,
        run: entry.run,
        track: entry.track,
        at: isoTime(entry.wallMs),
        box: [...entry.box] as [number, number, number, number],
        quality: entry.quality,
        state: entry.state,
        person: name(entry.person) === null ? null : entry.person,
        name: name(entry.person),
        counted: entry.weight > 0,
        rule: observationText(entry, names),
        reason: entry.reason,
      })),
      positions: positions.map(({ xPx, yPx, person, wallMs }) => {
        return { at: isoTime(wallMs), xPx, yPx, name: name(person) };
      }),
    };
  },
});

/** What is shown of a track. */
interface TrackEntry {
  shown: JournalEntry;
  /** No older entry of the track shows more. */
  isSettled: boolean;
}

interface Newest {
  /** The entry that is shown of each of the last tracks, newest first. */
  readonly tracks: readonly JournalEntry[];
  /** Oldest first. */
  readonly positions: readonly { wallMs: number; xPx: number; yPx: number; person: string | null }[];
  readonly isWhole: boolean;
  readonly newest: number | null;
}

/** Reads `entries`, the newest first, down to the id `after`. Holds only what is shown: a day may have 50,000. */
async function readNewest(entries: Iterable<JournalEntry>, last: number, after: number | null): Promise<Newest> {
  const sinceMs = Date.now() - dayMs;
  const tracks = new Map<string, TrackEntry>();
  const positions: { wallMs: number; xPx: number; yPx: number; person: string | null }[] = [];
  let newest: number | null = null;
  let read = 0;
  /** Nothing older than `after` is known any more where the journal starts again, or more is new than is read. */
  let isWhole = after === null;
  for (const entry of entries) {
    const { id, box, run, track, person, wallMs } = entry;
    newest ??= id;
    if (after !== null && newest < after) isWhole = true;
    if (!isWhole && id <= after!) break;
    if (++read > mostEntries || wallMs < sinceMs) {
      isWhole = true;
      break;
    }
    // The camera must be drained meanwhile.
    if (read % entriesPerTurn === 0) await nextTurn();
    if (box[2] <= 0) continue;
    if (positions.length < mostPositions)
      positions.push({ wallMs, xPx: box[0] + box[2] / 2, yPx: box[1] + box[3] / 2, person });
    const key = `${run} ${track}`;
    const before = tracks.get(key);
    if (before === undefined) {
      if (tracks.size < last) tracks.set(key, { shown: entry, isSettled: entry.weight > 0 });
    } else if (!before.isSettled) {
      // A face that counted shows more than the last glimpse of it.
      if (person === before.shown.person && entry.weight > 0) before.shown = entry;
      before.isSettled = person !== before.shown.person || entry.weight > 0;
    }
  }
  const shown = [...tracks.values()].map((track) => track.shown).sort((a, b) => b.id - a.id);
  return { tracks: shown, positions: positions.reverse(), isWhole, newest: newest ?? after };
}
