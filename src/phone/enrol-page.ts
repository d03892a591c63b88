// The page of `roomkin enrol NAME --phone`: what is missing, the photos, and at the end whether the person will be recognised.
import { type Pose, poses } from '../gallery/guided-enrolment.js';
import { type Html, html } from './html.js';
import type { PageAnswer, PageRequest } from './listener.js';
import { mostPhotos, type Photos, type Refusal, type SentPhoto } from './photos.js';
import { qualityWords } from './reason-words.js';
import { type Language, say } from './texts.js';

/** The last photos that are listed; the numbers above tell of all. */
const mostListed = 30;
/** How often the page asks for news, milliseconds: while photos are analysed, and otherwise. */
const againMs = { busy: 700, idle: 3000 };

/** The end of an enrolment, as the page and the terminal show it. */
export interface EnrolmentResult {
  readonly name: string;
  /** Photos in use. */
  readonly inUse: number;
  /** Photos that were tested against the others, and those of them that got the name. */
  readonly tested: number;
  readonly named: number;
  readonly closest: { readonly name: string; readonly similarity: number } | null;
}

/** What the page may do. */
export interface EnrolmentActions {
  readonly name: string;
  readonly photos: Photos;
  /** Enrols the person. Returns the name of another person who is too much alike; nothing is stored then. Errors: those of the gallery. */
  enrol(): EnrolmentResult | { readonly alike: string };
  cancel(): void;
  /** What the command says about itself; null while it waits. */
  readonly result: EnrolmentResult | null;
}

/** The ids of the sections, in their order. */
export const enrolSections = ['guide', 'choose', 'photos', 'finish'] as const;

export function enrolTitle(language: Language): string {
  return say(language, 'enrolTitle');
}

export function answerEnrolment(request: PageRequest, enrolment: EnrolmentActions): PageAnswer {
  const { action, given, photo, language } = request;
  const { photos } = enrolment;
  let full = false;
  let problem: string | null = null;
  if (enrolment.result === null) {
    if (action === 'photo' && photo !== null) full = !photos.add(photo, given['name'] ?? '');
    else if (action === 'unreadable') photos.addUnreadable();
    else if (action === 'remove') photos.remove(Number(given['number']));
    else if (action === 'cancel') {
      enrolment.cancel();
      const note = say(language, 'cancelled');
      const closing = html`<p>${note} ${say(language, 'closePage')}</p>`;
      return { sections: { guide: closing, choose: html``, photos: html``, finish: html`` }, say: note, againMs: null };
    } else if (action === 'done') problem = finish(enrolment, language);
  }
  const { result } = enrolment;
  if (result !== null) {
    const sections = { guide: resultSection(result, language), choose: html``, photos: html``, finish: html`` };
    return { sections, say: say(language, 'enrolled', { name: result.name }), againMs: null };
  }
  return {
    sections: {
      guide: guide(enrolment, language),
      choose: choose(language),
      photos: photoList(photos, language),
      finish: finishSection(enrolment, problem, language),
    },
    say: problem ?? counts(photos, language),
    againMs: photos.isAnalysing || full ? againMs.busy : againMs.idle,
    full,
  };
}

/** Returns what prevents it; null where the person is enrolled. */
function finish(enrolment: EnrolmentActions, language: Language): string | null {
  const { photos } = enrolment;
  if (photos.isAnalysing) return say(language, 'stillWaiting');
  if (photos.samples.length === 0) return say(language, 'needed');
  const result = enrolment.enrol();
  return 'alike' in result ? say(language, 'alike', { other: result.alike }) : null;
}

const ask = { front: 'askFront', left: 'askLeft', right: 'askRight', up: 'askUp', down: 'askDown' } as const;

function guide({ name, photos }: EnrolmentActions, language: Language): Html {
  const { missing } = photos;
  const [next] = missing;
  const there = poses.length - missing.length;
  const directions = say(language, 'directions', { count: there, most: poses.length });
  const item = (pose: Pose): Html => {
    const isMissing = missing.includes(pose);
    const state = isMissing
      ? html`<span class="soft">${say(language, 'missing')}</span>`
      : html`<span class="good">✓ ${say(language, 'accepted')}</span>`;
    return html`<li${pose === next ? html` class="next"` : null}><span>${say(language, pose)}</span><br>${state}</li>`;
  };
  return html`<h2 tabindex="-1">${say(language, 'photosOf', { name })}</h2>
<p>${say(language, 'enrolIntro')}</p>
<ul class="poses">${poses.map(item)}</ul>
<p><label for="directions">${directions}</label><progress id="directions" max="${poses.length}" value="${there}">${directions}</progress></p>
<p><strong>${next === undefined ? say(language, 'askNothing') : say(language, ask[next])}</strong></p>`;
}

/** `accept` without HEIC makes iOS convert such photos to JPEG. */
function choose(language: Language): Html {
  const types = 'image/jpeg,image/png,image/webp';
  return html`<div class="actions">
<label class="button main">${say(language, 'takePhoto')}<input type="file" accept="${types}" capture="user"></label>
<label class="button">${say(language, 'choosePhotos')}<input type="file" accept="${types}" multiple></label>
</div>`;
}

function counts({ list }: Photos, language: Language): string {
  const number = (state: SentPhoto['state']): number => list.filter((photo) => photo.state === state).length;
  if (list.length === 0) return '';
  const [accepted, refused, waiting] = [number('accepted'), number('refused'), number('waiting')];
  return say(language, 'counts', { accepted, refused, waiting });
}

function photoList(photos: Photos, language: Language): Html {
  if (photos.list.length === 0) return html``;
  const items = photos.list
    .slice(-mostListed)
    .toReversed()
    .map((photo) => photoItem(photo, language));
  return html`<h2 tabindex="-1">${say(language, 'inUse', { count: photos.samples.length })}</h2><ul class="cards">${items}</ul>`;
}

function photoItem({ number, state, pose, why, isTurned }: SentPhoto, language: Language): Html {
  const details = [pose, isTurned ? ('wasTurned' as const) : null].flatMap((key) => key ?? []);
  const note =
    why !== null
      ? html`<span class="bad">✗ ${say(language, 'refused')}: ${refusalText(why, language)}</span>`
      : state === 'waiting'
        ? html`<span class="soft">${say(language, 'waiting')}</span>`
        : html`<span class="good">✓ ${[say(language, 'accepted'), ...details.map((key) => say(language, key))].join(', ')}</span>`;
  const remove =
    state === 'accepted'
      ? html`<button type="button" id="remove-${number}" data-action="remove" data-number="${number}">${say(language, 'remove', { number })}</button>`
      : null;
  return html`<li><p>${say(language, 'photoNumber', { number })}: ${note}</p>${remove}</li>`;
}

/** The end of a sentence: why a photo is refused. */
function refusalText(why: Refusal, language: Language): string {
  switch (why.kind) {
    case 'no-face':
      return say(language, 'noFace');
    case 'several-faces':
      return say(language, 'severalFaces', { count: why.count });
    case 'unreadable':
      return say(language, 'unreadable');
    case 'duplicate':
      return say(language, 'duplicate', { number: why.number });
    case 'not-alike':
      return say(language, 'notAlike');
    case 'too-many':
      return say(language, 'tooMany', { most: mostPhotos });
    default:
      return qualityWords(why, language);
  }
}

function finishSection({ name, photos }: EnrolmentActions, problem: string | null, language: Language): Html {
  const isReady = photos.samples.length > 0 && !photos.isAnalysing;
  const note = photos.isAnalysing ? 'stillWaiting' : 'needed';
  return html`${problem === null ? null : html`<p class="bad">${problem}</p>`}
<div class="actions">
<button type="button" id="done" class="main" data-action="done"${isReady ? null : html` disabled`}>${say(language, 'done', { name })}</button>
<button type="button" id="cancel" data-action="cancel">${say(language, 'cancel')}</button>
</div>${isReady ? null : html`<p class="soft">${say(language, note)}</p>`}`;
}

function resultSection(result: EnrolmentResult, language: Language): Html {
  return html`<h2 tabindex="-1">${say(language, 'enrolled', { name: result.name })}</h2>
<p>${say(language, 'inUse', { count: result.inUse })}</p>
${resultTexts(result, language).map((text) => html`<p>${text}</p>`)}
<p class="soft">${say(language, 'closePage')}</p>`;
}

/** The self-test in words: whether the person will be recognised, and who is closest. */
export function resultTexts({ name, tested, named, closest }: EnrolmentResult, language: Language): string[] {
  const test =
    tested === 0
      ? say(language, 'untested', { name })
      : say(language, named === tested ? 'willBeRecognised' : 'mayBeMissed', { name, named, tested });
  if (closest === null) return [test];
  const { name: other, similarity } = closest;
  return [test, say(language, 'closest', { other, similarity: similarity.toFixed(2) })];
}
