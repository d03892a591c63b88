// A guided enrolment as text: three lines that are redrawn in place, 79 columns at most.
import { advice } from '../domain/guidance-words.js';
import { count, type Guidance, good, poses, wanted, wantedLooks } from '../domain/guided-enrolment.js';

const cells = 5;

/** The poses, the present face, and what to do. */
export function meterLines(now: Guidance, mirrored: boolean): string[] {
  const looks = poses.map((pose) => `${pose} ${bar(count(now.taken, pose), wanted[pose], wanted[pose])}`);
  const told = `${now.taken.length}/${wantedLooks} ${advice(now, mirrored)}`;
  return [`  ${looks.join('  ')}`, `  ${faceLine(now)}`, told];
}

function faceLine({ face }: Guidance): string {
  if (face === null) return 'no face';
  const { eyesPx, light, sharpness, yawDegrees, pitchDegrees } = face.quality;
  const whole = (degrees: number) => Math.round(degrees) || 0;
  return [
    `size ${bar(eyesPx, good.eyesPx)}`,
    `light ${bar(light, good.leastLight)}`,
    `sharp ${bar(sharpness, good.sharpness)}`,
    // As the person sees it: their own left is the image's right.
    `turned ${Math.abs(whole(yawDegrees))} ${yawDegrees > 0 ? 'left' : 'right'}, ${Math.abs(whole(pitchDegrees))} ${pitchDegrees > 0 ? 'up' : 'down'}`,
  ].join('  ');
}

/** Full only where there is enough. */
function bar(value: number, enough: number, width = cells): string {
  const full = Math.max(0, Math.min(width, Math.floor((width * value) / enough)));
  return '#'.repeat(full) + '.'.repeat(width - full);
}
