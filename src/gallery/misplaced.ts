// Photos that are filed under another person than the one they show: two people are swapped in part. A photo that stands beside others
// of the same wrong person resembles them, and the centre of the person lies between the two. So every photo is moved, one after the
// other, to the person whose present photos it resembles most, until none moves (k-means with the folders as the start).
import { scattered, similarity } from './similarity.js';

export interface FiledPhoto {
  readonly vector: Float32Array;
}

/** The photos of one person. */
export interface Filed<T extends FiledPhoto> {
  readonly photos: readonly T[];
  /** Photos of this person that are certain and do not move. */
  readonly certain?: readonly FiledPhoto[];
}

export interface Misplaced<T extends FiledPhoto> {
  readonly photo: T;
  /** Index of the person it is filed under, and of the one it resembles. */
  readonly from: number;
  readonly to: number;
  /** To the other photos of the person that it resembles. */
  readonly similarity: number;
  /** Whether most photos of the person it resembles are filed there. Otherwise the photos tell only that two people are mixed. */
  readonly clear: boolean;
}

export interface MisplacedLimits {
  /** Least similarity to the photos of the other person. */
  readonly similarity: number;
  /** By how much the photo resembles the other person more than its own, at least. */
  readonly lead: number;
}

/** Chosen in docs/measurements.md, "Swapped photos". */
export const misplacedLimits: MisplacedLimits = { similarity: 0.5, lead: 0.15 };
/** It ends after one to three rounds; this bounds the time for photos that fit nowhere. */
const mostRounds = 10;

/** The misplaced photos of `people`, in their order. Takes time in proportion to photos times people: 30 ms for 400 and 10. */
export function misplaced<T extends FiledPhoto>(
  people: readonly Filed<T>[],
  limits: MisplacedLimits = misplacedLimits,
): readonly Misplaced<T>[] {
  const photos = people.flatMap((person, from) => person.photos.map((photo) => ({ photo, from, at: from })));
  const [first] = photos;
  if (first === undefined || people.length < 2) return [];
  const length = first.photo.vector.length;
  const sums = people.map(() => ({ sum: new Float64Array(length), count: 0 }));
  const add = (index: number, { vector }: FiledPhoto, sign: 1 | -1): void => {
    const { sum } = sums[index]!;
    for (let i = 0; i < length; i++) sum[i]! += sign * vector[i]!;
    sums[index]!.count += sign;
  };
  people.forEach(({ photos: own, certain = [] }, index) => {
    for (const photo of [...own, ...certain]) add(index, photo, 1);
  });
  /** To the photos that are at `index` now. */
  const similarityTo = ({ vector }: FiledPhoto, index: number): number => {
    const { sum, count } = sums[index]!;
    const norm = Math.hypot(...sum);
    if (count === 0 || norm < 1e-6) return -1;
    return similarity(
      vector,
      scattered(
        Float32Array.from(sum, (value) => value / norm),
        norm / count,
      ),
    );
  };
  for (let round = 0, moved = true; moved && round < mostRounds; round++) {
    moved = false;
    for (const entry of photos) {
      add(entry.at, entry.photo, -1);
      const scores = people.map((_, index) => similarityTo(entry.photo, index));
      const best = scores.indexOf(Math.max(...scores));
      // At home it needs a lead to leave; away from home it goes where it resembles most.
      const needed = entry.at === entry.from ? scores[entry.from]! + limits.lead : scores[entry.at]!;
      if (best !== entry.at && scores[best]! >= Math.max(needed, best === entry.from ? -1 : limits.similarity)) {
        entry.at = best;
        moved = true;
      }
      add(entry.at, entry.photo, 1);
    }
  }
  return photos.flatMap(({ photo, from, at }) => {
    if (from === at) return [];
    const here = photos.filter((entry) => entry.at === at);
    const home = here.filter((entry) => entry.from === at).length + (people[at]!.certain?.length ?? 0);
    add(at, photo, -1);
    const alike = similarityTo(photo, at);
    add(at, photo, 1);
    return [
      { photo, from, to: at, similarity: alike, clear: 2 * home > here.length + (people[at]!.certain?.length ?? 0) },
    ];
  });
}
