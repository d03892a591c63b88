// The faces of the demo. They are drawn, so that the demo needs no photo of anybody: the detector finds them, and the embedder tells them
// apart as it does with people (similarities of at most 0.3 between two of them, and 0.9 between two portraits of one).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { fail } from '../../base/errors.js';
import { readPhoto } from '../../camera/photo.js';
import type { Engine } from '../../engine/engine.js';
import type { Face } from '../../vision/face.js';
import { cast, type Features, type Pose } from './script.js';
import { type Cutout, cutOut } from './stage.js';

const widthPx = 400;
const heightPx = 500;

/** A portrait as SVG. */
export function portrait(face: Features, { light, tiltDegrees, smile }: Pose): string {
  const [x, y] = [200, 250];
  const half = 98 * face.faceWidth;
  const chin = 132;
  const jaw = 62 * face.jawWidth;
  const { skin, shade, hair } = face;
  const gloss = (cx: number, cy: number, rx: number, ry: number): string =>
    `<ellipse cx="${cx}" cy="${cy}" rx="${rx}" ry="${ry}" fill="url(#gloss)"/>`;
  const line = (path: string, colour: string, width: number, opacity = 1, blur = 'fine'): string =>
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" opacity="${opacity}" filter="url(#${blur})"/>`;
  const eye = (side: -1 | 1): string => {
    const [ex, ey] = [x + side * face.eyeOffset, y - 8];
    const open = face.eyeOpening;
    return [
      `<ellipse cx="${ex}" cy="${ey - 4}" rx="34" ry="24" fill="url(#socket)"/>`,
      `<path d="M${ex - 22} ${ey}Q${ex} ${ey - 16 * open} ${ex + 22} ${ey}Q${ex} ${ey + 13 * open} ${ex - 22} ${ey}Z" fill="#eee7e0"/>`,
      `<circle cx="${ex}" cy="${ey - 1}" r="9.5" fill="${face.iris}"/><circle cx="${ex}" cy="${ey - 1}" r="4.5" fill="#0a0a0a"/>`,
      `<circle cx="${ex - 3}" cy="${ey - 4}" r="2" fill="#fff"/>`,
      line(`M${ex - 24} ${ey + 1}Q${ex} ${ey - 18 * open} ${ex + 24} ${ey + 1}`, '#221712', 4),
      line(`M${ex - 20} ${ey + 10}Q${ex} ${ey + 18} ${ex + 20} ${ey + 9}`, shade, 2.5, 0.7),
      line(
        `M${ex - 28} ${y - face.browHeight + 4}Q${ex} ${y - face.browHeight - 10} ${ex + 28} ${y - face.browHeight + 5}`,
        hair,
        face.browThickness,
      ),
    ].join('');
  };
  const frame = (side: -1 | 1): string =>
    `<rect x="${x + side * face.eyeOffset - 33}" y="${y - 32}" width="66" height="48" rx="16" fill="none" stroke="#15181b" stroke-width="6"/>`;
  const nose = 17 * face.noseWidth;
  const nostril = (side: -1 | 1): string =>
    `<ellipse cx="${x + side * 9 * face.noseWidth}" cy="${y + 47}" rx="5" ry="3.2" fill="#3a1f17" opacity="0.75" filter="url(#fine)"/>`;
  const mouth = 34 * face.mouthWidth;
  const corner = y + 80 - smile;
  const sides = face.longHair ? `L${x + half + 20} ${y + 170}L${x - half - 20} ${y + 170}` : '';
  const top = face.hairHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">
  <defs>
    <radialGradient id="skin" cx="${0.5 + 0.3 * light}" cy="0.4" r="0.75"><stop offset="0" stop-color="${skin}"/><stop offset="0.65" stop-color="${skin}"/><stop offset="1" stop-color="${shade}"/></radialGradient>
    <radialGradient id="socket"><stop offset="0" stop-color="${shade}" stop-opacity="0.75"/><stop offset="1" stop-color="${shade}" stop-opacity="0"/></radialGradient>
    <radialGradient id="gloss"><stop offset="0" stop-color="#fff" stop-opacity="0.35"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>
    <linearGradient id="nose"><stop offset="0" stop-color="${shade}" stop-opacity="0.05"/><stop offset="1" stop-color="${shade}" stop-opacity="0.6"/></linearGradient>
    <linearGradient id="neck" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="${shade}"/><stop offset="1" stop-color="${skin}"/></linearGradient>
    <filter id="fine"><feGaussianBlur stdDeviation="0.8"/></filter><filter id="soft"><feGaussianBlur stdDeviation="2"/></filter>
  </defs>
  <rect width="${widthPx}" height="${heightPx}" fill="#8f9aa3"/>
  <g transform="rotate(${tiltDegrees} ${x} ${y + 150})">
  <path d="M40 520C60 420 140 400 200 400C260 400 340 420 360 520Z" fill="#34495e"/>
  <path d="M155 340L155 410C175 430 225 430 245 410L245 340Z" fill="url(#neck)"/>
  <path d="M${x - half - 14} ${y + 20}C${x - half - 40} ${y - 190 * top} ${x + half + 40} ${y - 190 * top} ${x + half + 14} ${y + 20}${sides}Z" fill="${hair}" filter="url(#soft)"/>
  <ellipse cx="${x - half}" cy="${y + 8}" rx="13" ry="26" fill="${shade}"/><ellipse cx="${x + half}" cy="${y + 8}" rx="13" ry="26" fill="${shade}"/>
  <path d="M${x - half} ${y - 30}C${x - half} ${y - 150} ${x + half} ${y - 150} ${x + half} ${y - 30}C${x + half} ${y + 60} ${x + jaw} ${y + chin} ${x} ${y + chin}C${x - jaw} ${y + chin} ${x - half} ${y + 60} ${x - half} ${y - 30}Z" fill="url(#skin)"/>
  <path d="M${x - half} ${y - 50}C${x - half + 10} ${y - 110} ${x - 20} ${y - 105 * top} ${x + 10} ${y - 100 * top}C${x + 50} ${y - 95} ${x + half - 10} ${y - 100} ${x + half} ${y - 45}C${x + half + 10} ${y - 170} ${x - half - 10} ${y - 170} ${x - half} ${y - 50}Z" fill="${hair}" filter="url(#soft)"/>
  ${gloss(x - 50, y + 40, 34, 26)}${gloss(x + 50, y + 40, 30, 24)}${gloss(x, y - 70, 60, 30)}
  ${eye(-1)}${eye(1)}
  <path d="M${x - 4} ${y - 8}C${x + 2} ${y + 15} ${x + 14 * face.noseWidth} ${y + 34} ${x + nose} ${y + 44}C${x + 8} ${y + 54} ${x - 8} ${y + 54} ${x - nose} ${y + 44}Z" fill="url(#nose)" filter="url(#soft)"/>
  ${nostril(-1)}${nostril(1)}${gloss(x - 3, y + 36, 7, 8)}
  <path d="M${x - mouth} ${corner}Q${x - 12} ${y + 68} ${x} ${y + 73}Q${x + 12} ${y + 68} ${x + mouth} ${corner}Q${x} ${y + 103} ${x - mouth} ${corner}Z" fill="${face.lips}" filter="url(#fine)"/>
  ${line(`M${x - mouth} ${corner}Q${x} ${y + 86} ${x + mouth} ${corner}`, '#4a1c1a', 2.5)}
  ${line(`M${x - 20} ${y + 106}Q${x} ${y + 112} ${x + 20} ${y + 106}`, shade, 5, 0.6, 'soft')}
  ${face.glasses ? `${frame(-1)}${frame(1)}${line(`M${x - 14} ${y - 12}h28`, '#15181b', 6)}` : ''}
  </g></svg>`;
}

/**
 * Draws everybody: the photos to enrol into `folder`/photos/NAME, and the cut-outs for the frames by role. The people in the frames are
 * seen in other light and with another face than on their photos. Errors: ENGINE_FAILED.
 */
export async function drawCast(engine: Engine, folder: string): Promise<ReadonlyMap<string, Cutout>> {
  const portraits = join(folder, 'portraits');
  await mkdir(portraits, { recursive: true });
  const cutouts = new Map<string, Cutout>();
  for (const { key, name, features, enrolled, seen } of cast) {
    const path = join(portraits, `${key}.png`);
    await sharp(Buffer.from(portrait(features, seen)))
      .png()
      .toFile(path);
    cutouts.set(key, await cutOut(path, await onlyFace(engine, path)));
    if (name === null) continue;
    await mkdir(join(folder, 'photos', name), { recursive: true });
    const photo = join(folder, 'photos', name, '1.jpg');
    await sharp(Buffer.from(portrait(features, enrolled)))
      .jpeg({ quality: 92 })
      .toFile(photo);
  }
  return cutouts;
}

/** The face that the detector finds in a portrait. */
async function onlyFace(engine: Engine, path: string): Promise<Face> {
  const photo = await readPhoto(path);
  const { faces } = await engine.analyze({ ...photo, capturedAt: 0, sequence: 0 }, { search: 'whole', embed: false });
  const [face] = faces;
  if (face === undefined) throw fail('ENGINE_FAILED', `the detector finds no face in ${path}: run roomkin check`);
  return face;
}
