/** All boards, in the order in which one looks at them. */
import { governorBoard } from './board-governor.ts';
import { nodeBoard } from './board-node.ts';
import { redBoard } from './board-red.ts';
import { scalingBoard } from './board-scaling.ts';
import { sloBoard } from './board-slo.ts';
import type { Board } from './panel.ts';

export const boards: readonly Board[] = [redBoard, scalingBoard, governorBoard, sloBoard, nodeBoard];
