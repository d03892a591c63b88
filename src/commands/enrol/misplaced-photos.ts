// Photos in the folder of another person than the one they show: found before anything is stored, told with their names and with
// commands that can be pasted.
import { existsSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { misplaced } from '../../gallery/misplaced.js';
import { foldName } from '../../gallery/names.js';
import type { Gallery } from '../../gallery/person.js';
import type { BadPhoto } from '../photo-analysis.js';

interface PhotoOf {
  readonly file: string;
  readonly vector: Float32Array;
}

/** The photos of one person; `folder` is null where the photos were named one by one. */
export interface PhotosOfPerson<T extends PhotoOf = PhotoOf> {
  readonly name: string;
  readonly folder: string | null;
  readonly samples: readonly T[];
}

export interface MisplacedPhoto extends BadPhoto {
  /** The folder of the person whom the photo shows; null where it has none, or where it is not clear who that is. */
  readonly folder: string | null;
}

/**
 * The photos of `people` that show another one of them, or somebody in `gallery`. Not those of a new person who is the same as another in
 * all photos: that is a second name for one person, which the enrolment refuses.
 */
export function misplacedPhotos(people: readonly PhotosOfPerson[], gallery: Gallery): MisplacedPhoto[] {
  const enrolled = new Map(gallery.people.map((person) => [foldName(person.name), person]));
  const named = new Set(people.map(({ name }) => foldName(name)));
  const others = gallery.people.filter(({ name }) => !named.has(foldName(name)));
  const filed = [
    ...people.map(({ name, samples }) => {
      return { photos: samples, certain: enrolled.get(foldName(name))?.templates ?? [] };
    }),
    ...others.map(({ templates }) => ({ photos: [], certain: templates })),
  ];
  const found = misplaced<PhotoOf>(filed);
  const isSecondName = (index: number): boolean => {
    const { photos, certain } = filed[index]!;
    const moved = found.filter(({ from }) => from === index);
    return certain.length === 0 && moved.length === photos.length && new Set(moved.map(({ to }) => to)).size === 1;
  };
  const left = found.filter(({ from }) => !isSecondName(from));
  return left.map(({ photo: { file }, from, to, similarity, clear }) => {
    const name = people[from]!.name;
    const other = people[to]?.name ?? others[to - people.length]!.name;
    const alike = `(similarity ${similarity.toFixed(2)})`;
    const sentence = clear
      ? `${file} shows ${other} rather than ${name} ${alike}`
      : `${file} shows the same person as photos of ${other} ${alike}: the photos of ${name} and ${other} are mixed`;
    return { file, code: 'PHOTO_MISPLACED', sentence, folder: clear ? (people[to]?.folder ?? null) : null };
  });
}

/** What to type: commands that move the photos, and the one that enrols without them. `enrol` is the command line that was refused. */
export function misplacedAdvice(photos: readonly MisplacedPhoto[], enrol: string): string[] {
  const taken = new Set<string>();
  const moves = photos.flatMap(({ file, folder }) => {
    if (folder === null) return [];
    const target = freeTarget(file, folder, taken);
    return [`  mv -n -- ${shellWord(file)} ${shellWord(target)}`];
  });
  const sort = moves.length === 0 ? [] : ['To put them where they belong, then enrol again:', ...moves];
  return [...sort, 'To enrol without them (--force enrols all as they are):', `  ${enrol} --skip-bad`];
}

/** A path in `folder` that no file has: a swapped photo often has the name of the one it is swapped with. */
function freeTarget(file: string, folder: string, taken: Set<string>): string {
  const extension = extname(file);
  const stem = basename(file, extension);
  for (let count = 1; ; count++) {
    const target = join(folder, count === 1 ? `${stem}${extension}` : `${stem}-${count}${extension}`);
    const key = resolve(target);
    if (taken.has(key) || existsSync(target)) continue;
    taken.add(key);
    return target;
  }
}

/** `text` as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
