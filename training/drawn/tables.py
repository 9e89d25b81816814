"""The shapes of all classes, as a table: adding a row adds a class and changes no other one's pictures.

A row is `name < parent: parameter extent, ...`; the parent's parameters hold where the row names none. Names
without a hyphen are patterns, names with one (`family-variant`) are classes. An extent is one number, two (from, to;
counts include both), or `odds p`: 1 with this probability, else 0. Metres, shares and counts, as the family's builder
reads them; dimensions are those of common European vehicles, rounded and widened.
"""

TABLE = """
car: length 4.2 4.8, width 1.72 1.86, height 1.4 1.5, belt 0.6 0.66, hood 1.1 1.4, screen 0.55 0.85, trunk 0.5 0.9,
    fast 0.45 0.8, clear 0.17 0.24, brow 0.74 0.86, tail 0.86 0.97, round 0.08 0.2, grille 0.3 0.56, doors 2,
    rear 0.85 1.05, front 0.78 0.95, wheel 0.3 0.35, open 0, blind 0, sign 0, beacon 0, rack 0, spare 0
car-sedan < car:
car-hatch < car: length 3.6 4.1, height 1.44 1.56, hood 0.9 1.15, trunk 0.02 0.1, fast 0.35 0.6, rear 0.6 0.8
car-estate < car: length 4.5 5, trunk 0.02 0.08, fast 0.25 0.5, rack odds 0.5
car-suv < car: height 1.65 1.82, trunk 0.02 0.08, fast 0.2 0.42, clear 0.24 0.32, wheel 0.36 0.41, rack odds 0.6
car-coupe < car: height 1.24 1.34, screen 0.8 1, trunk 0.1 0.35, fast 1 1.35, clear 0.12 0.17, doors 1
car-cabriolet < car: height 1.32 1.42, trunk 0.7 1, doors 1, open 1
car-limousine < car: length 6.2 8.2, trunk 0.9 1.2, rear 1.1 1.3
car-micro < car: length 2.5 3.1, width 1.45 1.6, height 1.45 1.58, hood 0.4 0.65, screen 0.55 0.75, trunk 0.02 0.06,
    fast 0.2 0.42, doors 1, rear 0.4 0.5, front 0.4 0.5, wheel 0.26 0.3
car-taxi < car: height 1.46 1.58, sign 1
car-police < car: beacon 1
car-offroad < car: length 3.7 4.4, height 1.8 2, screen 0.12 0.25, trunk 0.02 0.05, fast 0.04 0.1, clear 0.3 0.4,
    brow 0.9 0.97, round 0.03 0.08, wheel 0.38 0.43, spare 1
car-vintage < car: length 4 4.6, height 1.52 1.68, belt 0.62 0.68, hood 1.3 1.6, screen 0.2 0.4, trunk 0.6 0.9,
    fast 0.3 0.5, brow 0.72 0.8, tail 0.6 0.72, round 0.3 0.4
pickup < car: length 5 5.5, width 1.8 1.95, height 1.7 1.86, hood 1.15 1.4, screen 0.5 0.7, trunk 0.06,
    clear 0.3 0.42, brow 0.86 0.94, tail 0.94 0.98, rear 1 1.15, wheel 0.37 0.42, bed 1.4 1.7, load 0, canopy 0
pickup-crew < pickup:
pickup-single < pickup: blind 1, bed 2.2 2.6
pickup-canopy < pickup: load 0.55 0.7, canopy 1
pickup-loaded < pickup: blind 1, bed 1.9 2.4, load 0.25 0.5
pickup-ladder < pickup: blind 1, rack 1, bed 1.9 2.4
coach: length 5 6, width 1.95 2.1, height 2.2 2.6, floor 0.3 0.4, sill 1.18 1.32, glass 0.55 0.7, windows 0,
    gap 0.05 0.14, band 0, hood 0, rake 0.1 0.3, back 0.02 0.1, round 0.12 0.22, lean 0.02 0.05, sections 1, decks 1,
    doors 0, door 1.05 1.3, slide 0, cabglass 1, split 0, sign 0, rearglass 1, tailroom 0.1, headroom 0.95, rails 0,
    wheel 0.33 0.37, rear 1 1.25, front 0.85 1.05, axles 2, cooler 0, pantograph 0, poles 0, alcove 0, rack 0,
    beacon 0
nose < coach: hood 0.5 0.95, rake 0.55 0.85, slide 1
van-panel < nose: rearglass odds 0.5
van-high < nose: length 5.8 7, height 2.6 2.9, gap 0.1, rearglass odds 0.5
van-window < nose: height 1.95 2.4, windows 2 4, band odds 0.5
van-compact < nose: length 4.1 4.6, width 1.7 1.82, height 1.78 1.95, sill 1.02 1.12, hood 0.8 1, wheel 0.3 0.33
van-parcel < coach: length 6 7.6, width 2.1 2.3, height 2.8 3.1, sill 1.4 1.55, hood 0.2 0.6, rake 0.05 0.2,
    round 0.05 0.12, split odds 0.5, rearglass 0
van-forward < coach: length 4.2 5, height 1.9 2.1, sill 1.15 1.25, windows 2 4, gap 0.1 0.2, round 0.25 0.4, slide 1,
    split 1
van-ambulance < nose: height 2.5 2.9, windows 1 2, gap 0.3 0.5, beacon 1
van-rack < nose: windows 0 1, gap 0.3 0.5, rack 1
camper-alcove < coach: length 5.9 7.2, width 2.15 2.3, height 2.9 3.2, windows 2 3, gap 0.4 0.6, hood 0.9 1.2,
    rake 0.05, alcove 1
camper-integrated < coach: length 6.6 9, width 2.2 2.4, height 2.8 3.3, windows 2 4, gap 0.3 0.55, rake 0.3 0.7,
    doors 0 1, door 0.65 0.8, wheel 0.36 0.42, rear 1.6 2.3, cooler odds 0.5
camper-van < nose: length 5.2 6.2, height 2.5 2.8, windows 2 3, gap 0.3 0.5, cooler odds 0.4
truck: length 6.8 8.2, width 2.35 2.5, bed 1 1.15, top 3.1 3.6, cab 1.6 1.9, roof 2.5 2.8, hood 0, rake 0.1 0.25,
    gap 0.1 0.3, wheel 0.46 0.52, rear 1.3 1.8, axles 1, trailer 0, wing odds 0.3, beacon 0, ribs 0, cooler 0,
    crates 0, heap 0, ladder 0, lift 0, reach 1
box-short < truck:
box-long < truck: length 9 10.5, top 3.4 3.8, axles 2
box-light < truck: length 5.4 6.4, width 2 2.2, bed 0.8 0.9, top 2.7 3, roof 2.1 2.3, wheel 0.36 0.4, rear 1.1 1.4
box-cooled < truck: length 7.4 9, cooler 1
bonnet < truck: length 8 9.6, cab 1.5 1.9, hood 1.4 1.9, rake 0.05
box-bonnet < bonnet:
box-curtain < truck: length 8 9.6, ribs 5 8
semi < truck: length 13 16, bed 1.1 1.25, top 3.6 4, cab 2 2.3, roof 2.9 3.4, gap 0.3 0.6, rear 1 1.6, axles 2 3,
    trailer 1
box-semi < semi: cooler odds 0.4
box-container < semi: ribs 16 24
towed < truck: length 4.5 7, bed 0.75 0.95, cab 0, gap 0.05, wheel 0.36 0.42, rear 1.6 2.4, axles 2, wing 0
box-trailer < towed: top 2.7 3.2
tanker-rigid < truck: top 2.7 3.1
tanker-semi < semi: top 3 3.4
tanker-bonnet < bonnet: top 2.7 3
dumper-rigid < truck: top 2.2 2.6, axles 1 2, heap 0.1 0.7
dumper-bonnet < bonnet: top 2.1 2.5, axles 2, heap 0.1 0.7
dumper-semi < semi: length 11 13, top 2.5 2.9, heap 0.1 0.6
flatbed-empty < truck: crates 0 1
flatbed-loaded < truck: crates 2 3
flatbed-semi < semi: crates 1 3
flatbed-trailer < towed: top 2, crates 0 2
timber-rigid < truck: length 8 9.5, axles 2
timber-semi < semi:
mixer-rigid < truck: length 7.6 8.8, axles 2, wing 0
mixer-bonnet < bonnet: axles 2
refuse-rigid < truck: length 7.6 9, top 3 3.4, axles 1 2, wing 0, beacon 1
fire-pumper < truck: top 2.8 3.1, cab 2.3 2.7, wing 0, beacon 1, ribs 3 5, ladder 0.7
fire-ladder < truck: length 9 10.5, top 2.5 2.8, axles 1 2, wing 0, beacon 1, ribs 3 5, ladder 1, lift 0.3 1.6
crane-mobile < truck: length 9 11, bed 1.1 1.3, cab 1.4 1.7, roof 2 2.3, axles 2 3, wing 0, lift 0.6 3, reach 4.5 6.5
unit-forward < truck: length 5.4 6.2, cab 2.1 2.3, roof 3 3.5, rear 0.9 1.2
unit-bonnet < bonnet: length 7 8.2, roof 2.8 3.3, rear 0.8 1.1, axles 2
trailer-caravan < coach: length 4.4 6.6, width 2.1 2.3, height 2.45 2.7, windows 2 3, gap 0.3 0.5, rake 0.2 0.5,
    back 0.1 0.3, round 0.3 0.5, doors odds 0.7, door 0.65 0.75, cabglass 0, headroom 0.4, rear 2.1 2.6, axles 1
trailer-horse < coach: length 3.4 4.4, width 1.9 2.1, height 2.4 2.7, glass 0.3 0.4, windows 0 1, gap 0.6 0.8,
    rake 0.3 0.6, cabglass 0, rearglass 0, rear 1.5 1.8, axles 1
boat-trailer < towed: width 1.9 2.2
rail < coach: width 2.3 2.65, height 3.2 3.6, floor 0.45 0.7, sill 1.55 1.8, glass 0.95 1.15, rake 0.1 0.5,
    back 0.1 0.5, tailroom 0.3 0.9, headroom 0.9 1.3, rails 1
tram-classic < rail: length 9.5 14, windows 5 9, gap 0.1 0.22, round 0.15 0.4, doors 1 2, split odds 0.5, sign 1,
    pantograph 1
tram-modern < rail: length 18 24, floor 0.3 0.4, sill 1.1 1.3, glass 1.2 1.4, windows 3 5, gap 0.02 0.06, band 1,
    rake 0.6 1.2, sections 2 3, doors 1 2, sign 1, pantograph 1
tram-poled < rail: length 9.5 13, windows 6 9, gap 0.14 0.25, round 0.1 0.3, doors 1 2, cooler odds 0.5, poles 1
train-carriage < rail: length 17 22, height 3.7 4, windows 7 11, gap 0.15 0.35, rake 0.02, back 0.02, doors 2,
    cabglass 0
train-metro < rail: length 14 18, windows 3 5, gap 0.1 0.3, rake 0.02 0.2, doors 3, sign 1
train-express < rail: length 19 24, windows 7 11, gap 0.05 0.12, band 1, rake 2.2 3.6, doors 1, headroom 2 3,
    pantograph odds 0.5
train-double < rail: length 16 20, height 4.4 4.7, sill 1.2 1.35, windows 6 9, decks 2, doors 2, pantograph odds 0.4
train-railcar < rail: length 12 15, windows 6 9, gap 0.1 0.25, round 0.3 0.5, doors 1 2, split odds 0.5,
    cooler odds 0.4
locomotive: length 10 14, width 2.6 2.8, height 3.6 3.9, cab 2.2 2.8, step 0.5 0.9, boiler 0, ribs 6 11
locomotive-diesel < locomotive:
locomotive-steam < locomotive: length 8.5 11, cab 1.8 2.2, step 1.1 1.3, boiler 1, ribs 3 4
wagon: length 9 13, width 2.5 2.8, height 3.2 3.8, ribs 8 14
wagon-closed < wagon: roofed 1
wagon-hopper < wagon: height 2.6 3.2, roofed 0
tractor: length 3.6 4.3, width 1.8 2.1, height 2.4 2.7, wheel 0.72 0.88, small 0.4 0.55, front 0.55 0.7,
    bonnet 0.35 0.55, glazed 1, roofed 1, loader 0
tractor-cab < tractor:
tractor-open < tractor: height 2 2.4, glazed 0, roofed odds 0.5
tractor-loader < tractor: length 4.4 5.2, front 1.4 1.7, loader 1
digger: length 6.5 8, width 2.3 2.6, height 2.6 2.9, track 0.75 0.9, base 3 3.5, arm 1, lift 0.6 1.8
digger-arm < digger:
digger-blade < digger: length 4.2 4.8, arm 0
cycle: length 1.95 2.2, width 0.6 0.75, wheel 0.29 0.33, seat 0.74 0.84, seat_x 0.36 0.42, bars 0.98 1.1,
    trail 0.34 0.46, reach 0.1 0.22, tube 0.07, motor 1, fairing 0, step 0, trunk 0, crate 0, rider odds 0.35,
    lean 0 0.15
motorbike-naked < cycle:
motorbike-sport < cycle: bars 0.9 1, fairing 1, lean 0.15 0.3
motorbike-chopper < cycle: length 2.3 2.6, seat 0.6 0.7, bars 1.1 1.3, trail 0.6 0.8, reach 0.25 0.4
motorbike-scooter < cycle: length 1.7 1.9, wheel 0.2 0.25, step 1, trunk odds 0.4
motorbike-touring < cycle: length 2.2 2.45, fairing 1, trunk 1
pedal < cycle: length 1.65 1.82, width 0.5 0.6, wheel 0.32 0.35, seat 0.86 0.98, seat_x 0.33 0.38, trail 0.12 0.2,
    reach 0.12 0.24, tube 0.045, motor 0, rider odds 0.4
bicycle-city < pedal:
bicycle-race < pedal: seat 0.94 1, bars 0.9 0.98, lean 0.2 0.3
bicycle-cargo < pedal: length 2.2 2.5, seat_x 0.26 0.3, crate 1
thing: length 3 4.5, width 1.4 1.8, height 2.3 2.6
scene-street < thing:
shelter-glass < thing:
shed-gable < thing: width 2.4 3.2, roof 0.8 1.4, windows 1 2
tree-crown < thing: height 3.6 5.5, crown 0.8 1.1
hull-ashore < thing: length 4.5 7, width 1.9 2.3
board-poster < thing: height 1 2.2, board 1.6 2.4
bench-park < thing: length 1.6 2.2, width 0.5 0.6, height 1.1
container-freight < thing: length 5.8 8, width 2.3 2.5, ribs 14 22
kiosk-stall < thing:
bus < coach: length 10.2 12.4, width 2.4 2.55, height 2.9 3.2, sill 1.15 1.35, glass 1.05 1.35, windows 4 7,
    gap 0.04 0.14, band odds 0.6, rake 0.05 0.35, doors 2 3, sign 1, rearglass odds 0.8, headroom 0.5 1,
    wheel 0.45 0.5, rear 2.5 3.3, front 2.4 2.8, cooler odds 0.4
bus-city < bus:
bus-coach < bus: length 11 13.4, height 3.35 3.7, sill 1.7 2, glass 1.05 1.3, windows 5 8, rake 0.3 0.8, doors 1 2,
    axles 2 3
bus-double < bus: length 9.4 11, height 4.1 4.4, sill 1.15 1.3, windows 4 6, decks 2, doors 1 2, cooler 0
bus-articulated < bus: length 16 18.2, windows 3 5, sections 2, doors 1 2
bus-mini < bus: length 5.8 7.6, width 2 2.2, height 2.4 2.85, glass 0.75 0.95, windows 3 5, hood 0 1, rake 0.3 0.7,
    doors 1, door 0.8 1, sign odds 0.5, wheel 0.35 0.4, rear 1.4 1.9, front 0.9 1.1
bus-school < bus: length 8 11, height 2.85 3.1, floor 0.5 0.6, sill 1.55 1.7, glass 0.75 0.95, windows 6 10,
    gap 0.14 0.28, band 0, hood 1.1 1.8, rake 0.02 0.12, doors 1, door 0.8 0.95, split odds 0.4, front 0.7 0.9,
    cooler 0
bus-trolley < bus: length 10.5 12.4, poles 1
bus-vintage < bus: length 7 9.4, height 2.7 3, sill 1.35 1.5, glass 0.7 0.9, windows 5 8, gap 0.14 0.28, band 0,
    hood odds 0.4, round 0.35 0.6, doors 1, door 0.75 0.95, split 1, front 1.3 1.9, cooler 0, rack odds 0.3
"""
