#!/usr/bin/env node
// The path that hooks and scripts of older checkouts call.
import './coherence.cjs';
