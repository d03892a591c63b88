// The photos that a phone has sent for one person: a short queue, one analysis at a time, and what came of each. A photo is in memory
// until it is analysed; then only numbers are left of it.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { duplicateAbove, type PhotoRefusal, templateCandidate } from '../gallery/enrolment.js';
import { isAnother, type Pose, poseOf, poses } from '../gallery/guided-enrolment.js';
import { similarity } from '../gallery/similarity.js';
import type { Face, Quality } from '../vision/face.js';
import type { Turn } from '../vision/picture.js';

/** More photos than a person has templates for; each costs a second of the processor or more. */
export const mostPhotos = 300;
/** Photos of up to 6 MB each that wait in memory. */
const mostWaiting = 3;

export type Refusal =
  | PhotoRefusal
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'duplicate'; readonly number: number }
  | { readonly kind: 'not-alike' }
  | { readonly kind: 'too-many' };

export interface SentPhoto {
  /** From 1, in the order in which they came. */
  readonly number: number;
  readonly state: 'waiting' | 'accepted' | 'refused';
  /** Of an accepted photo; null where it is between two poses. */
  readonly pose: Pose | null;
  readonly why: Refusal | null;
  /** Whether an accepted photo lay on its side or upside down, and was turned. */
  readonly isTurned: boolean;
}

/** What the analysis of a photo gives: its faces, its size in pixels, and by how much it was turned; null where it is no photo. */
export type AnalysePhoto = (
  bytes: Uint8Array,
  name: string,
) => Promise<{
  readonly faces: readonly Face[];
  readonly width: number;
  readonly height: number;
  readonly turn: Turn;
} | null>;

export interface PhotoSample {
  readonly number: number;
  /** The name of its file on the phone; null where the phone told none. */
  readonly file: string | null;
  readonly pose: Pose | null;
  readonly vector: Float32Array;
  readonly quality: Quality;
  readonly score: number;
  readonly source: Uint8Array;
}

export interface Photos {
  readonly list: readonly SentPhoto[];
  readonly samples: readonly PhotoSample[];
  readonly isAnalysing: boolean;
  /** The poses without a photo, in the order in which they are asked for. */
  readonly missing: readonly Pose[];
  /** False where too many photos wait: it must be sent again. */
  add(bytes: Uint8Array, name: string): boolean;
  /** A photo that the phone itself could not read. */
  addUnreadable(): void;
  /** Takes a photo out, so that it is not enrolled. */
  remove(number: number): void;
  /** Rejects when an analysis has failed for another reason than the photo. Never resolves. */
  readonly failed: Promise<never>;
}

interface WaitingPhoto {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** `onChange` is called after each analysis. */
export function createPhotos(analyse: AnalysePhoto, onChange: () => void): Photos {
  let list: SentPhoto[] = [];
  let samples: PhotoSample[] = [];
  let count = 0;
  const waiting: WaitingPhoto[] = [];
  /** By the digest of a photo: its number. */
  const numbers = new Map<string, number>();
  let isRunning = false;
  let reject = (_error: unknown): void => {};
  const failed = new Promise<never>((_, fail) => {
    reject = fail;
  });
  failed.catch(() => {});

  const refuse = (number: number, why: Refusal): void =>
    set({ number, state: 'refused', pose: null, why, isTurned: false });
  function set(photo: SentPhoto): void {
    const isNew = !list.some(({ number }) => number === photo.number);
    list = isNew ? [...list, photo] : list.map((other) => (other.number === photo.number ? photo : other));
  }

  async function run(): Promise<void> {
    isRunning = true;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { number, bytes, name } = next;
      const analysed = await analyse(bytes, name);
      waiting.shift();
      // The phone may have taken it back meanwhile.
      if (list.some((photo) => photo.number === number)) set(judge(next, analysed));
      onChange();
    }
    isRunning = false;
  }

  /** What the analysis means for the photo; adds the sample of an accepted one. */
  function judge({ number, bytes, name }: WaitingPhoto, analysed: Awaited<ReturnType<AnalysePhoto>>): SentPhoto {
    const refused = (why: Refusal): SentPhoto => ({ number, state: 'refused', pose: null, why, isTurned: false });
    if (analysed === null) return refused({ kind: 'unreadable' });
    const candidate = templateCandidate(analysed.faces, analysed.width, analysed.height);
    if ('refused' in candidate) return refused(candidate.because);
    const { embedding: vector, quality, score } = candidate.face;
    const same = samples.find((sample) => similarity(sample.vector, vector) > duplicateAbove);
    if (same !== undefined) return refused({ kind: 'duplicate', number: same.number });
    if (isAnother(vector, samples)) return refused({ kind: 'not-alike' });
    const posed = samples.flatMap(({ pose, quality: other }) => (pose === null ? [] : [{ pose, quality: other }]));
    const pose = poseOf(quality, posed, 1);
    const file = name === '' ? null : basename(name);
    samples = [...samples, { number, file, pose, vector, quality, score, source: digestOf(bytes) }];
    return { number, state: 'accepted', pose, why: null, isTurned: analysed.turn !== 0 };
  }

  return {
    get list() {
      return list;
    },
    get samples() {
      return samples;
    },
    get isAnalysing() {
      return waiting.length > 0;
    },
    get missing() {
      return poses.filter((pose) => !samples.some((sample) => sample.pose === pose));
    },
    add(bytes, name) {
      const digest = digestOf(bytes).toString('base64');
      const earlier = numbers.get(digest);
      // The answer to the first attempt was lost on its way: the photo is there.
      if (earlier !== undefined && earlier === count) return true;
      if (waiting.length >= mostWaiting) return false;
      const number = ++count;
      if (number > mostPhotos) {
        count = mostPhotos;
        if (!list.some(({ why }) => why?.kind === 'too-many')) refuse(mostPhotos + 1, { kind: 'too-many' });
        return true;
      }
      if (earlier !== undefined && list.some((photo) => photo.number === earlier)) {
        refuse(number, { kind: 'duplicate', number: earlier });
        return true;
      }
      numbers.set(digest, number);
      set({ number, state: 'waiting', pose: null, why: null, isTurned: false });
      waiting.push({ number, bytes, name });
      if (!isRunning) run().catch(reject);
      return true;
    },
    addUnreadable() {
      if (count < mostPhotos) refuse(++count, { kind: 'unreadable' });
    },
    remove(number) {
      list = list.filter((photo) => photo.number !== number);
      samples = samples.filter((sample) => sample.number !== number);
    },
    failed,
  };
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
