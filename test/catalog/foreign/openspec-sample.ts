/** A small OpenSpec project with the traps that its own readers handle. */
export const SPEC = `# Kettle Specification

## Purpose
Says what the kettle does when water boils, at some length so that the purpose is long enough.

## Requirements

### Requirement: Switch off at boiling point
The kettle SHALL switch off **within 3 seconds** after the water boils.

- relay opens
- lamp goes dark

#### Scenario: Water boils
- **GIVEN** a kettle with water
- **WHEN** the water boils
- **THEN** the relay opens

##### Details
- inside the scenario

#### Scenario: Lid is open
- **WHEN** the lid is open
- **THEN** the kettle does not start

### Requirement: Fill level
The kettle MUST show its fill level.

##### Scenario: Half full
* WHEN it is half full
* THEN the mark in the middle is lit

\`\`\`markdown
### Requirement: Not a requirement
#### Scenario: Not a scenario
\`\`\`
`;

export const DELTA = `## ADDED Requirements

### Requirement: Beep when done
The kettle SHALL beep when it is done.

#### Scenario: Done
- **WHEN** the water has boiled
- **THEN** it beeps

## REMOVED Requirements

### Requirement: Lid
**Reason**: no lid
**Migration**: none

## RENAMED Requirements

- FROM: \`### Requirement: Fill level\`
- TO: \`### Requirement: Level\`
`;

/** Nothing in it has the canonical form. */
export const UNUSUAL = `Text above all.
## Requirements
Some words on the requirements.


### Requirement:   Blanks  inside  
**ID**: R-1

The thing SHALL work.
### Plain heading
It MUST do.
#### Scenario: Empty
#### Scenario: Given

- THEN it does

## purpose

Stands behind the requirements.
### Part of it

Text.

## Notes
### Requirement: Not here
End without a line feed`;
