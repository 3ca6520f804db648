import { badge } from './badge.js';
import { html } from './html.js';
import { json } from './json.js';
import { md } from './md.js';
import { text } from './text.js';
import type { CoverageFormat } from './view.js';

/** All coverage formats; `coverage --format NAME` picks by name. */
export const COVERAGE_FORMATS: readonly CoverageFormat[] = [text, json, html, md, badge];
export type { CountsView, CoverageFormat, CoverageView, CriterionView, NextStep } from './view.js';
