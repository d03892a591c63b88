// The page of `roomkin open`: who is here, the people, the last faces with the decisions, and the plan of the room.
import type { Reason } from '../gallery/reason.js';
import type { Quality } from '../vision/face.js';
import { type Html, html } from './html.js';
import { reasonWords } from './reason-words.js';
import { type Language, say } from './texts.js';

/** What the page shows; the command collects it. Times are ISO 8601. */
export interface Overview {
  /** null where nobody knows; `unknown` says why. */
  readonly here: {
    readonly people: readonly { readonly name: string; readonly since: string }[];
    readonly strangers: number;
  } | null;
  readonly unknown: 'noDaemon' | 'switchedOff' | 'noPicture';
  readonly people: readonly OverviewPerson[];
  readonly faces: readonly OverviewFace[];
  /** The configuration allows pictures of faces. */
  readonly hasPictures: boolean;
  readonly plan: {
    readonly width: number;
    readonly height: number;
    readonly positions: readonly {
      readonly at: string;
      readonly xPx: number;
      readonly yPx: number;
      readonly name: string | null;
    }[];
    readonly staticFaces: readonly { readonly xPx: number; readonly yPx: number; readonly widthPx: number }[];
  };
}

export interface OverviewPerson {
  readonly person: string;
  readonly name: string;
  /** Expected share of tracks that are missed; null where it is not known. */
  readonly missed: number | null;
  readonly closest: { readonly name: string; readonly similarity: number } | null;
  readonly corrections: readonly { readonly id: number; readonly said: 'is' | 'not'; readonly since: string }[];
  readonly photos: readonly {
    readonly id: number;
    readonly since: string;
    readonly eyesPx: number;
    readonly isDisabled: boolean;
  }[];
}

export interface OverviewFace {
  readonly id: number;
  /** The number of its track in the running daemon; null where its run is over. */
  readonly track: number | null;
  readonly at: string;
  readonly box: readonly [number, number, number, number];
  readonly quality: Quality;
  readonly state: string;
  readonly name: string | null;
  readonly reason: Reason;
}

/** What came of the last press of a button. */
export interface Outcome {
  readonly text: string;
  /** Nothing was changed. */
  readonly isProblem: boolean;
  /** The numbers of the corrections that were stored. */
  readonly corrections: readonly number[];
}

/** With more people than this a list takes the place of a button for each. */
const mostButtons = 6;

/** The ids of the sections, in their order. */
export const overviewSections = ['outcome', 'here', 'people', 'faces', 'plan'] as const;

/** From these shares of missed tracks on, a person is recognised less than surely, or rarely. */
const missedShares = { some: 0.02, many: 0.15 };

export function overviewTitle(language: Language): string {
  return say(language, 'openTitle');
}

export function overviewSectionsOf(
  overview: Overview,
  outcome: Outcome | null,
  language: Language,
): Record<(typeof overviewSections)[number], Html> {
  return {
    outcome: outcome === null ? html`` : outcomeSection(outcome, language),
    here: hereSection(overview, language),
    people: peopleSection(overview, language),
    faces: facesSection(overview, language),
    plan: planSection(overview, language),
  };
}

function outcomeSection({ text, isProblem, corrections }: Outcome, language: Language): Html {
  if (isProblem) return html`<p class="bad">${text}</p>`;
  return html`<p class="good">${text}</p>${corrections.map((id) => undoButton(id, 'news', language))}`;
}

function undoButton(id: number, where: string, language: Language): Html {
  return html`<button type="button" id="undo-${where}-${id}" data-action="undo" data-id="${id}">${say(language, 'undo', { id })}</button>`;
}

function timeOf(at: string, language: Language): string {
  const time = new Date(at);
  const isToday = time.toDateString() === new Date().toDateString();
  const style = isToday ? ({ timeStyle: 'short' } as const) : ({ dateStyle: 'short', timeStyle: 'short' } as const);
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, style).format(time);
}

function dateOf(at: string, language: Language): string {
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { dateStyle: 'medium' }).format(new Date(at));
}

function hereSection({ here, unknown }: Overview, language: Language): Html {
  const title = html`<h2 tabindex="-1">${say(language, 'hereNow')}</h2>`;
  if (here === null) return html`${title}<p>${say(language, 'unknownNow', { why: say(language, unknown) })}</p>`;
  const items = [
    ...here.people.map(({ name, since }) => say(language, 'since', { name, time: timeOf(since, language) })),
    ...(here.strangers > 0 ? [say(language, 'strangersHere', { count: here.strangers })] : []),
  ];
  if (items.length === 0) return html`${title}<p>${say(language, 'nobodyHere')}</p>`;
  return html`${title}<ul class="cards">${items.map((text) => html`<li>${text}</li>`)}</ul>`;
}

function peopleSection({ people }: Overview, language: Language): Html {
  const title = html`<h2 tabindex="-1">${say(language, 'peopleTitle')}</h2>`;
  if (people.length === 0) return html`${title}<p>${say(language, 'nobodyEnrolled')}</p>`;
  return html`${title}<ul class="cards">${people.map((person) => personItem(person, language))}</ul>`;
}

function personItem({ person, name, missed, closest, photos, corrections }: OverviewPerson, language: Language): Html {
  const inUse = photos.filter(({ isDisabled }) => !isDisabled).length;
  const { some, many } = missedShares;
  const surety = missed === null ? null : say(language, missed < some ? 'surely' : missed < many ? 'mostly' : 'rarely');
  const close =
    closest === null
      ? null
      : say(language, 'closest', { other: closest.name, similarity: closest.similarity.toFixed(2) });
  return html`<li><h3>${name}</h3>
<p>${say(language, 'inUse', { count: inUse })}</p>
${surety === null ? null : html`<p class="sentence">${surety}</p>`}
${close === null ? null : html`<p class="soft">${close}</p>`}
<details id="change-${person}"><summary id="summary-${person}">${say(language, 'change', { name })}</summary>
<form><label>${say(language, 'newName', { name })}<br><input type="text" name="name" value="${name}" maxlength="64" autocomplete="off"></label>
<div class="actions"><button id="rename-${person}" data-action="rename" data-person="${person}">${say(language, 'rename')}</button></div></form>
<ul>${photos.map((photo) => photoItem(photo, language))}</ul>
${corrections.length === 0 ? null : html`<ul>${corrections.map((correction) => correctionItem(correction, name, language))}</ul>`}
<details id="forget-${person}"><summary id="ask-${person}">${say(language, 'forget', { name })}</summary>
<p class="bad">${say(language, 'forgetReally', { name })}</p>
<button type="button" class="danger" data-action="forget" data-person="${person}">${say(language, 'forgetYes', { name })}</button></details>
</details></li>`;
}

function photoItem({ id, since, eyesPx, isDisabled }: OverviewPerson['photos'][number], language: Language): Html {
  const text = say(language, 'photoOf', { id, date: dateOf(since, language), px: Math.round(eyesPx) });
  const action = isDisabled ? 'enable' : 'disable';
  return html`<li class="actions"><span class="wide">${text}</span>
<button type="button" id="photo-${id}" data-action="${action}" data-id="${id}">${say(language, action, { id })}</button></li>`;
}

function correctionItem(
  { id, said, since }: OverviewPerson['corrections'][number],
  name: string,
  language: Language,
): Html {
  const text = say(language, said === 'is' ? 'correctionIs' : 'correctionNot', { name, date: dateOf(since, language) });
  return html`<li class="actions"><span class="wide">${text}</span>${undoButton(id, 'list', language)}</li>`;
}

function facesSection(overview: Overview, language: Language): Html {
  const title = html`<h2 tabindex="-1">${say(language, 'facesTitle')}</h2>`;
  if (overview.faces.length === 0) return html`${title}<p>${say(language, 'noFaces')}</p>`;
  return html`${title}<ul class="cards">${overview.faces.map((face) => faceItem(face, overview, language))}</ul>`;
}

function faceItem(face: OverviewFace, { people, plan, hasPictures }: Overview, language: Language): Html {
  const { id, track, at, box, quality, state, reason } = face;
  const names = new Map(people.map(({ person, name }) => [person, name]));
  const name = face.name ?? say(language, state === 'stranger' ? 'unknownPerson' : 'noName');
  const shape = say(language, 'faceShape', {
    percent: Math.max(1, Math.round((100 * box[2]) / plan.width)),
    degrees: Math.round(Math.abs(quality.yawDegrees)),
    light: Math.round(100 * quality.light),
  });
  const others = people.filter((person) => person.name !== face.name);
  const not =
    face.name === null
      ? null
      : html`<button type="button" id="not-${id}" data-action="not" data-id="${id}" data-name="${face.name}">${say(language, 'notPerson', { name: face.name, id })}</button>`;
  const is =
    others.length <= mostButtons
      ? html`${others.map((person) => html`<button type="button" id="is-${id}-${person.person}" data-action="is" data-id="${id}" data-name="${person.name}">${say(language, 'thisIsPerson', { name: person.name, id })}</button>`)}`
      : html`<form class="actions"><label>${say(language, 'whoIsIt', { id })}<br><select name="name">${others.map((person) => html`<option>${person.name}</option>`)}</select></label>
<button id="is-${id}" data-action="is" data-id="${id}">${say(language, 'thisIs')}</button></form>`;
  // The script fills it in where there is a picture, and hides the drawing then.
  const picture = hasPictures && track !== null ? html`<img class="face" data-track="${track}" alt="" hidden>` : null;
  return html`<li><div class="row">${picture}${drawnFace(face, plan)}<div class="wide"><h3>${say(language, 'faceAt', { name, time: timeOf(at, language) })}</h3>
<p class="sentence">${reasonWords(reason, names, language)}</p><p class="soft">${shape}</p></div></div>
<details id="face-${id}"><summary id="correct-${id}">${face.name === null ? say(language, 'whoIsThis') : say(language, 'notThem', { name })}</summary><div class="actions">${not}${is}</div></details></li>`;
}

/** A face from its numbers: where it was in the frame, its size, its pose and its light. */
function drawnFace({ box, quality }: OverviewFace, { width, height }: Overview['plan']): Html {
  const scale = 96 / width;
  const [x, y] = [(box[0] + box[2] / 2) * scale, (box[1] + box[3] / 2) * scale];
  const size = Math.max(5, (box[2] * scale) / 2);
  const top = (96 - height * scale) / 2;
  const nose = [
    x + (size * Math.max(-45, Math.min(45, quality.yawDegrees))) / 60,
    y - (size * quality.pitchDegrees) / 60,
  ];
  const number = (value: number): string => value.toFixed(1);
  return html`<svg class="face" viewBox="0 0 96 96" aria-hidden="true"><rect class="room" x="1" y="${number(top)}" width="94" height="${number(height * scale)}"/>
<ellipse class="face-fill" fill-opacity="${number(0.15 + 0.6 * quality.light)}" cx="${number(x)}" cy="${number(y + top)}" rx="${number(size)}" ry="${number(size * 1.25)}"/>
<path class="face-line" d="M${number(x)} ${number(y + top)}L${number(nose[0]!)} ${number(nose[1]! + top)}"/></svg>`;
}

function planSection({ plan }: Overview, language: Language): Html {
  const { width, height, positions, staticFaces } = plan;
  const last = new Map<string, (typeof positions)[number]>();
  for (const position of positions) if (position.name !== null) last.set(position.name, position);
  const whole = (value: number): string => value.toFixed(0);
  const radius = width / 60;
  const text = say(language, 'planText', { count: positions.length, still: staticFaces.length });
  return html`<h2 tabindex="-1">${say(language, 'planTitle')}</h2><p>${text}</p>
<svg class="plan" viewBox="0 0 ${width} ${height}" role="img" aria-label="${text}">
${positions.map(({ xPx, yPx }) => html`<circle class="seen" cx="${whole(xPx)}" cy="${whole(yPx)}" r="${whole(radius)}"/>`)}
${staticFaces.map(({ xPx, yPx, widthPx }) => html`<rect class="static" stroke-width="${whole(radius / 3)}" x="${whole(xPx - widthPx / 2)}" y="${whole(yPx - widthPx / 2)}" width="${whole(widthPx)}" height="${whole(widthPx)}"/>`)}
${[...last].map(([name, { xPx, yPx }]) => html`<circle class="last" cx="${whole(xPx)}" cy="${whole(yPx)}" r="${whole(radius)}"/><text font-size="${whole(2.4 * radius)}" x="${whole(xPx + 1.4 * radius)}" y="${whole(yPx)}">${name}</text>`)}
</svg>
<ul>${[...last].map(([name, { at }]) => html`<li>${say(language, 'lastSeen', { name, time: timeOf(at, language) })}</li>`)}</ul>`;
}
