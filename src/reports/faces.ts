// The last faces and where faces were seen, for the page of `roomkin open`.
import { z } from 'zod';
import type { IdentificationState } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import { observationText } from '../gallery/reason-text.js';
import type { JournalEntry } from '../journal/codec.js';
import type { JournalStore } from '../journal/store.js';
import { qualitySchema } from '../vision/face.js';
import { report } from './report.js';

const text = z.string();
const px = z.number();
/** A verb reads no more of a reason than its kind and its figures. */
const reason = z.custom<Reason>((value) => z.object({ kind: text }).safeParse(value).success);
const dayMs = 86_400_000;
/** Positions on the plan; the newest ones. */
export const mostPositions = 400;
/**
 * The most entries that are read, and how many at first for a question about what is new. A day may have 50,000; reading them all for each
 * question would cost the daemon 80 MiB.
 */
const mostEntries = 2000;
const fewEntries = 50;

/** The newest face of each of the last `last` tracks, newest first, and the last positions of faces: of the newest 2,000 entries of a day. */
export const faces = report({
  method: 'GET',
  given: z.object({
    last: z.coerce.number().int().min(1).max(50),
    /** Only what is newer than the entry with this id. */
    after: z.coerce.number().int().min(0).optional(),
  }),
  answer: z.object({
    /** Of the frame, pixels. */
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
  make({ last, after }, { config, store, run, journal: openJournal }) {
    const names = new Map(store.people().map(({ id, name }) => [id, name]));
    const name = (person: string | null): string | null => (person === null ? null : (names.get(person) ?? null));
    const iso = (entry: JournalEntry): string => new Date(entry.wallMs).toISOString();
    const { entries, isWhole } = newEntries(openJournal(), after ?? null);
    const newest = new Map<string, JournalEntry>();
    const positions: { at: string; xPx: number; yPx: number; name: string | null }[] = [];
    for (const entry of entries) {
      const { box, track, person } = entry;
      if (box[2] <= 0) continue;
      positions.push({ at: iso(entry), xPx: box[0] + box[2] / 2, yPx: box[1] + box[3] / 2, name: name(person) });
      const key = `${entry.run} ${track}`;
      const before = newest.get(key);
      // A face that counted shows more than the last glimpse of it.
      if (before !== undefined && before.weight > 0 && !(entry.weight > 0) && before.person === person) continue;
      newest.delete(key);
      newest.set(key, entry);
    }
    return {
      width: config.camera.width,
      height: config.camera.height,
      run: run ?? null,
      whole: isWhole,
      newest: entries.at(-1)?.id ?? after ?? null,
      faces: [...newest.values()]
        .slice(-last)
        .reverse()
        .map((entry) => ({
          id: entry.id,
          run: entry.run,
          track: entry.track,
          at: iso(entry),
          box: [...entry.box] as [number, number, number, number],
          quality: entry.quality,
          state: entry.state,
          person: name(entry.person) === null ? null : entry.person,
          name: name(entry.person),
          counted: entry.weight > 0,
          rule: observationText(entry, names),
          reason: entry.reason,
        })),
      positions: positions.slice(-mostPositions),
    };
  },
});

/** The newest entries of a day, oldest first: those after the id `after`. `isWhole`: all that are read at all. */
function newEntries(
  journal: Pick<JournalStore, 'recent'> | null,
  after: number | null,
): { readonly entries: readonly JournalEntry[]; readonly isWhole: boolean } {
  if (journal === null) return { entries: [], isWhole: true };
  const sinceMs = Date.now() - dayMs;
  for (let count = after === null ? mostEntries : fewEntries; ; count *= 4) {
    const most = Math.min(count, mostEntries);
    const entries = journal.recent(most).filter(({ wallMs }) => wallMs >= sinceMs);
    // The journal was replaced by another one, whose ids start again.
    const isAnother = after !== null && entries.length > 0 && entries.at(-1)!.id < after;
    if (after === null || (isAnother && most === mostEntries)) return { entries, isWhole: true };
    const fresh = entries.filter(({ id }) => id > after);
    if (!isAnother && (fresh.length < most || most === mostEntries))
      return { entries: fresh, isWhole: fresh.length === most };
  }
}
