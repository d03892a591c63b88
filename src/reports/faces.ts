// The last faces and where faces were seen, for the page of `roomkin open`.
import { z } from 'zod';
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
const mostPositions = 400;

/** The newest face of each of the last `last` tracks, newest first, and the positions of the faces of a day. */
export const faces = report({
  method: 'GET',
  given: z.object({ last: z.coerce.number().int().min(1).max(50) }),
  answer: z.object({
    /** Of the frame, pixels. */
    width: px,
    height: px,
    faces: z.array(
      z.object({
        id: z.number(),
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
  make({ last }, { config, store, journal: openJournal }) {
    const names = new Map(store.people().map(({ id, name }) => [id, name]));
    const name = (person: string | null): string | null => (person === null ? null : (names.get(person) ?? null));
    const iso = (entry: JournalEntry): string => new Date(entry.wallMs).toISOString();
    const newest = new Map<string, JournalEntry>();
    let positions: { at: string; xPx: number; yPx: number; name: string | null }[] = [];
    // A day may have 50,000 entries: only what is shown is held.
    for (const entry of openJournal()?.since(Date.now() - dayMs) ?? []) {
      const { box, run, track, person } = entry;
      if (box[2] <= 0) continue;
      positions.push({ at: iso(entry), xPx: box[0] + box[2] / 2, yPx: box[1] + box[3] / 2, name: name(person) });
      if (positions.length >= 2 * mostPositions) positions = positions.slice(-mostPositions);
      const key = `${run} ${track}`;
      const before = newest.get(key);
      // A face that counted shows more than the last glimpse of it.
      if (before !== undefined && before.weight > 0 && !(entry.weight > 0) && before.person === person) continue;
      newest.delete(key);
      newest.set(key, entry);
      const [oldest] = newest.keys();
      if (newest.size > last) newest.delete(oldest!);
    }
    return {
      width: config.camera.width,
      height: config.camera.height,
      faces: [...newest.values()].reverse().map((entry) => ({
        id: entry.id,
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
