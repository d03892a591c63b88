// Faces that never move: portraits, posters, and what the detector takes for a face. After an hour without any movement such a
// face counts for nothing until it moves. Bounded, without pixels; pure: time is an argument. Only observed time counts: a dark
// night, a blind camera or somebody who stands before it neither adds to the hour nor takes from it.
import type { Box } from './face.js';
import { beginPlace, distance, isUnlike, placeBox, rememberedPlace, type StillPlace, stay } from './still-place.js';
import type { Look, Track } from './tracker.js';

export interface FixedOptions {
  /** Observed time without movement after which a face is taken for a picture; Infinity: never. */
  readonly afterMs: number;
  /** A pause between two looks longer than this was not observed. A far face is found when its tile has its turn, every 6 s. */
  readonly gapMs: number;
}

/** How a track belongs to a place. */
interface Stand {
  readonly place: number;
  readonly sinceMs: number;
  /** The track began here, so nobody came walking. */
  readonly born: boolean;
  /** Looks in a row that were not of this place's face, and those of them that were of another face, or here. */
  readonly out: number;
  readonly others: number;
}

/** Immutable; starts as `noFixedFaces`, or as what `remembered` brings back. At most `most` places. */
export interface FixedFaces {
  /** Size of the frames that the places are in, pixels; null before the first. */
  readonly size: readonly [width: number, height: number] | null;
  readonly atMs: number | null;
  readonly places: readonly StillPlace[];
  /** By track id. */
  readonly stands: ReadonlyMap<number, Stand>;
  readonly nextId: number;
}

export const noFixedFaces: FixedFaces = { size: null, atMs: null, places: [], stands: new Map(), nextId: 1 };

/** A face that is taken for a picture, as it is told and kept: where it is, never what it looks like. */
export interface FixedFace {
  /** Never used twice within a run. */
  readonly id: number;
  readonly box: Box;
  /** Observed time that it has not moved. */
  readonly stillMs: number;
}

const most = 32;
/** Looks in a row that a face must be elsewhere before it has moved: one or two are trembling. */
const movedLooks = 3;
/** Who came walking stands here only after so long; a passer-by does not. */
const arrivedMs = 5000;
/** A face that was followed out of its place and is not back in it for so long was no picture. */
const leftMs = 30_000;
/** Observed time unseen after which a place is forgotten: one that is only stood in, and one of a picture (it was taken down). */
const forgetMs = 12 * 3_600_000;
const forgetFixedMs = 7 * 24 * 3_600_000;
/** Places seen within this time are not dropped for others. */
const presentMs = 10_000;
/** From here on a face that has not moved yields its name to one that has. */
const suspectMs = 300_000;

/**
 * One analysed frame further. `trackOf[i]` is the track that look `i` belongs to; `size` is the frame's (null: not
 * known, the same as before). Frames of another size start anew.
 */
export function watchFixed(
  before: FixedFaces,
  frame: { readonly atMs: number; readonly size: FixedFaces['size']; readonly looks: readonly Look[] },
  trackOf: readonly number[],
  tracks: readonly Track[],
  options: FixedOptions,
): FixedFaces {
  const { atMs, size, looks } = frame;
  const same = before.size === null || size === null || before.size.join() === size.join();
  const known = same ? before : { ...noFixedFaces, nextId: before.nextId };
  const observedMs = known.atMs === null ? 0 : Math.min(options.gapMs, Math.max(0, atMs - known.atMs));
  const timing = { gapMs: options.gapMs, pictureMs: options.afterMs };
  let { nextId } = known;

  const placeOf: number[] = [];
  const places = new Map<number, StillPlace>();
  for (const place of known.places.toSorted((a, b) => b.stillMs - a.stillMs)) {
    const index = nearest(place, looks, placeOf);
    const next = index === null ? null : stay(place, looks[index]!, atMs, timing);
    if (index === null) places.set(place.id, { ...place, unseenMs: place.unseenMs + observedMs });
    else if (next !== null) places.set(place.id, next);
    if (next !== null) placeOf[index!] = place.id;
  }
  looks.forEach((look, index) => {
    if (placeOf[index] !== undefined) return;
    placeOf[index] = nextId;
    places.set(nextId, beginPlace(nextId, look, atMs));
    nextId++;
  });

  const lookOf = new Map(trackOf.map((track, index) => [track, index]));
  const stands = new Map<number, Stand>();
  for (const track of tracks) {
    const old = known.stands.get(track.id);
    const index = lookOf.get(track.id);
    if (index === undefined) {
      if (old !== undefined) stands.set(track.id, old);
      continue;
    }
    const here = placeOf[index]!;
    const place = old && places.get(old.place);
    if (old === undefined || place === undefined) {
      stands.set(track.id, { place: here, sinceMs: atMs, born: track.frames === 1, out: 0, others: 0 });
      continue;
    }
    const other = distance(place, looks[index]!.face.box) !== null || isUnlike(place, looks[index]!);
    const out = here === place.id ? 0 : old.out + 1;
    const others = here === place.id ? 0 : old.others + (other ? 1 : 0);
    if (out < movedLooks) {
      stands.set(track.id, { ...old, out, others });
      continue;
    }
    stands.set(track.id, { place: here, sinceMs: atMs, born: false, out: 0, others: 0 });
    // The same face was followed out of the place, and none is in it.
    if (others === 0 && place.seenMs !== atMs) leave(place);
  }
  const kept = [...places.values()].filter((place) => !isOver(place, options)).sort(byWorth(options));
  return { size: size ?? known.size, atMs, places: kept.slice(0, most), stands, nextId };

  /** What it looks like is learned again: it may be somebody who only stood before the picture. */
  function leave(place: StillPlace): void {
    if (place.stillMs < options.afterMs) places.delete(place.id);
    else places.set(place.id, { ...place, left: true, direction: null, weight: 0 });
  }
}

/** Whether the looks of this track count for nothing, because it shows a face that does not move. */
export function isFixed(fixed: FixedFaces, track: number, options: FixedOptions): boolean {
  return stillMsOf(fixed, track) >= options.afterMs;
}

/** Whether the face of this track has not moved for some minutes: of two faces with one name, the other one is alive. */
export function mayBeFixed(fixed: FixedFaces, track: number): boolean {
  return stillMsOf(fixed, track) >= suspectMs;
}

const taken = ': taken for a picture';

/** Why such a face has no name, one line for people. */
export function fixedRule(fixed: FixedFaces, track: number): string {
  return `has not moved for ${longTime(stillMsOf(fixed, track))}${taken}`;
}

/** Whether `rule` is such a reason. */
export function wasFixed(rule: string): boolean {
  return rule.endsWith(taken);
}

/** A time in minutes, hours or days: `45 min`, `3 h`, `2 d`. */
export function longTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** The faces that are taken for pictures, the longest first. */
export function fixedFaces(fixed: FixedFaces, options: FixedOptions): readonly FixedFace[] {
  const still = fixed.places.filter((place) => place.stillMs >= options.afterMs);
  const sorted = still.sort((a, b) => b.stillMs - a.stillMs);
  return sorted.map((place) => ({ id: place.id, box: placeBox(place), stillMs: place.stillMs }));
}

/** What was known before a restart; the first look at each place says what the face looks like. */
export function remembered(size: readonly [number, number], faces: readonly Omit<FixedFace, 'id'>[]): FixedFaces {
  const places = faces.slice(0, most).map((face, index) => rememberedPlace(index + 1, face.box, face.stillMs));
  return { ...noFixedFaces, size, places, nextId: places.length + 1 };
}

/** The same places without anybody's look: somebody was forgotten. */
export function withoutLooks(fixed: FixedFaces): FixedFaces {
  return { ...fixed, places: fixed.places.map((place) => ({ ...place, direction: null, weight: 0 })) };
}

/** How long the face of this track has not moved; 0 for one that came walking and may walk on. */
function stillMsOf({ stands, places, atMs }: FixedFaces, track: number): number {
  const stand = stands.get(track);
  if (stand === undefined || (!stand.born && (atMs ?? 0) - stand.sinceMs < arrivedMs)) return 0;
  return places.find((place) => place.id === stand.place)?.stillMs ?? 0;
}

/** The look that is nearest to the place and may be its face; null where none is. */
function nearest(place: StillPlace, looks: readonly Look[], placeOf: readonly number[]): number | null {
  const free = looks.flatMap((look, index) => {
    const widths = placeOf[index] === undefined && !isUnlike(place, look) ? distance(place, look.face.box) : null;
    return widths === null ? [] : [{ index, widths }];
  });
  return free.sort((a, b) => a.widths - b.widths)[0]?.index ?? null;
}

function isOver(place: StillPlace, { afterMs }: FixedOptions): boolean {
  if (place.left && place.unseenMs >= leftMs) return true;
  return place.unseenMs >= (place.stillMs >= afterMs ? forgetFixedMs : forgetMs);
}

/** Pictures first, then what was seen just now, then what has stayed longest. */
function byWorth({ afterMs }: FixedOptions): (a: StillPlace, b: StillPlace) => number {
  const worth = (place: StillPlace) =>
    (place.stillMs >= afterMs ? 2 : 0) + (place.unseenMs <= presentMs && place.seenMs !== null ? 1 : 0);
  return (a, b) => worth(b) - worth(a) || b.stillMs - a.stillMs;
}
