"Put a finished training, or several as an ensemble, into data/weights with its card and measure it on the test pairs: `.venv/bin/python .ci/ship.py RUN... trimap-free`. The test pairs are read from MATTE_DATA or ../shared/data."
import argparse
import json
from datetime import date
from pathlib import Path

import pandas as pd
from held_out import begin_with, share_of_one

from twinswin_matte.apply.predict import Matter, checkpoint_file
from twinswin_matte.apply.protocols import ALL_METRICS, Protocol, Resolution, evaluate_protocol
from twinswin_matte.core import data_root, repo_root, save_json
from twinswin_matte.experiments import frozen_composites
from twinswin_matte.models.classical import CLASSICAL
from twinswin_matte.models.guided import classical_methods
from twinswin_matte.models.hub import from_pretrained, join_models, run_details, save_pretrained
from twinswin_matte.models.zoo import create_model, load_checkpoint

PEOPLE = {'name': 'P3M sample photographs, mattes predicted by P3M-Net (14, two of them for validation)', 'license': 'MIT'}
ANIMALS = {'name': 'AM-2k sample photographs, mattes predicted by GFM (13, two of them for validation)', 'license': 'MIT'}
OBJECTS = {'name': 'AIM sample photographs, mattes predicted (2, for validation)', 'license': 'MIT'}
CUTOUTS = [{'name': 'LayerDiffuse sample cut-outs: hair, fur, glass (9)', 'license': 'Apache-2.0'}, {'name': 'AIM-500 foregrounds (3, one of them left out, since its photograph validates)', 'license': 'MIT'},
           {'name': 'TRELLIS and TripoSR sample objects (44)', 'license': 'MIT'}]
SMOKE = {'name': 'Kenney particles: smoke, fire, sparks (65)', 'license': 'CC0-1.0'}
GROUNDS = [{'name': 'background photographs of Ubuntu Budgie', 'license': 'CC0-1.0'}, {'name': 'background photographs from Unsplash in Pop!_OS and deepin', 'license': 'Unsplash'},
           {'name': 'background photographs of deepin', 'license': 'CC-BY-4.0'}, {'name': 'procedural mattes over the photographs of this library', 'license': 'CC0-1.0'}]
LABELLED = [{'name': 'portraits of fellows of a public programme, labeled by the selfie network in two passes and trimap-guided (175, a fifth of them for validation, like those that follow)', 'license': 'CC0-1.0'}, {'name': 'stock portraits, labeled likewise (98)', 'license': 'CC0-1.0'},
            {'name': 'generated half bodies, labeled likewise (40)', 'license': 'Apache-2.0'}, {'name': 'generated people, labeled likewise (40)', 'license': 'MIT'},
            {'name': 'pets and objects of DreamBooth, labeled by GrabCut in boxes drawn by hand and trimap-guided (96)', 'license': 'CC-BY-4.0'}]
DATA = {'trimap-free': [*LABELLED, PEOPLE, ANIMALS, OBJECTS, *CUTOUTS, *GROUNDS], 'trimap-guided': [PEOPLE, ANIMALS, OBJECTS, *CUTOUTS, SMOKE, *GROUNDS]}
ENCODER = [{'name': 'mobilenetv2_100_in1k, recovered from a per-channel int8 file', 'license': 'Apache-2.0'}]
TESTS = {'trimap-free': 'ppm-100', 'trimap-guided': 'alphamatting'}


def measured(name, matter):
    "{set: {names, region: {metric: values}}} on the published test pairs and on the frozen composites."
    guided = name == 'trimap-guided'
    frozen = Protocol('synthetic', 'fifty frozen composites', ('unknown',) if guided else ('whole', 'boundary'), ALL_METRICS, resolution=Resolution('long', 384), impose=True)
    frames = [evaluate_protocol(TESTS[name], matter, data_root()), evaluate_protocol(frozen, matter, {'frozen composites': frozen_composites()}, trimap_radius=16 if guided else None)]
    return errors_of(frames)


def errors_of(frames):
    "{set: {names, region: {metric: values}}} of tables, six digits."
    found = {}
    for frame in frames:
        for (title, region), rows in frame.groupby(['set', 'region'], sort=False):
            part = found.setdefault({'small': 'alphamatting small', 'large': 'alphamatting large'}.get(title, title), {'names': list(rows['name'])})
            part[region] = {m: [float(f'{v:.6g}') for v in rows[m]] for m in ALL_METRICS if m in rows}
    return found


def evaluations(errors):
    "The means, as a card states them."
    rows = []
    for title, part in errors.items():
        for region, values in part.items():
            if region != 'names':
                rows.append({'dataset': title, 'split': 'test', 'pictures': len(part['names']), 'region': region, 'resolution': '384 px' if title == 'frozen composites' else 'as given', 'convention': 'dim',
                             **{m: sum(v) / len(v) for m, v in values.items()}})
    return rows


def marks(name):
    "What others reach on the test pairs: the best figure in each column, and what was published."
    table, rows = pd.read_csv(repo_root() / 'nbs/experiments/marks.csv'), []
    measured_here, published = (table[table['method'].str.contains('published') == p] for p in (False, True))
    for title, part in measured_here.groupby('set', sort=False):
        about = {'dataset': title, 'region': 'whole' if title == 'PPM-100' else 'unknown'}
        for metric in ALL_METRICS:
            best = part.loc[part[metric].idxmin()] if part[metric].notna().any() else None
            rows += [] if best is None else [{**about, 'metric': metric, 'value': float(best[metric]), 'by': best['method']}]
            rows += [{**about, 'metric': metric, 'value': float(row[metric]), 'by': f"{row['method']}, {row['source']}"} for _, row in published[published['set'] == title].iterrows() if pd.notna(row[metric])]
    return [row for row in rows if (row['dataset'] == 'PPM-100') == (name == 'trimap-free')]


def earlier(run, name):
    "Details of a run that weights were begun from, or of what is given away now (shipped, or shipped:3 for its third network) and all before it."
    if not run.startswith('shipped'):
        return [run_details(run)]
    card, number = from_pretrained(name)[1], run.partition(':')[2]
    card = card['members'][int(number) - 1] if number else card
    return [card['run'], *card.get('begun', [])]


def weights_of(run, name, last):
    "Model and card of a run with its details, or of what is given away now."
    if run == 'shipped':
        return load_checkpoint(checkpoint_file(name))
    model, card = load_checkpoint(Path(run) / ('last.safetensors' if last else 'best.safetensors'))
    return model, {**card, 'run': run_details(run)}


def with_faces(model):
    "The same network with a face detector."
    seeing = create_model('prompted', **{**model.config['options'], 'faces': True}).eval()
    seeing.load_inference_state_dict(model.inference_state_dict())
    return seeing


def write_record(name, errors, **more):
    "What the page of the checkpoints reads."
    save_json({'name': name, 'date': str(date.today()), 'errors': errors, **more}, repo_root() / f'nbs/experiments/records/checkpoint-{name}.json')
    for row in evaluations(errors):
        print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}))


def main():
    "Measure, then write the folder and the record."
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('run', nargs='+', help='folder of the run, or of several that become an ensemble; shipped: the weights that are there now')
    parser.add_argument('name', choices=DATA)
    parser.add_argument('--size', type=int, help='long side it shall work at (default: that of its training)')
    parser.add_argument('--begun', nargs='+', default=[], help='folders of the runs that its weights were begun from, the last first; shipped: what is there now, and what that was begun from; shipped:3: the third network of an ensemble')
    parser.add_argument('--classical-prior', help='the classical method that trimap-guided begins with, or several as learning-based+knn, whatever it was trained with')
    parser.add_argument('--network-weight', type=share_of_one, help='of the network in what trimap-guided answers, such as 0.5 or 1/3; the rest is that of classical methods')
    parser.add_argument('--averaged-methods', help='those methods, such as learning-based+knn (default: those that it begins with)')
    parser.add_argument('--note', nargs='+', default=[], help='sentences for the card, of what the settings of the run do not tell')
    parser.add_argument('--refine', choices=(*CLASSICAL, 'edges', 'none'), help='as for Matter (default: as the card says of what is there now)')
    parser.add_argument('--faces', action='store_true', help='give a prompted model the face detector, if it was trained without')
    parser.add_argument('--card', action='store_true', help='with shipped: measure nothing, only write the card anew')
    parser.add_argument('--last', action='store_true', help='its last weights instead of the best by its own validation')
    options = parser.parse_args()
    if data_root() is None:
        parser.error('the test pairs are not here: name their folder in MATTE_DATA')
    if options.card and options.run != ['shipped']:
        parser.error('--card is for what is shipped; a new training is measured')
    parts = [weights_of(run, options.name, options.last) for run in options.run]
    model, card = join_models(parts, size=options.size) if len(parts) > 1 else parts[0]
    begun = [details for run in options.begun for details in earlier(run, options.name)]
    refine = options.refine or from_pretrained(options.name)[1].get('refine')
    card = {**card, **({'refine': refine} if refine else {}), 'size': options.size or (None if options.name == 'trimap-guided' else card.get('size')), 'data': DATA[options.name], **({'begun': begun} if begun else {}), **({'notes': options.note} if options.note else {})}
    if options.faces:
        model, card['since'] = with_faces(model), {'faces': True}
    if options.classical_prior:
        model.config['options']['classical_prior'] = begin_with(model, options.classical_prior)
    if options.network_weight:
        model.network_weight = model.config['options']['network_weight'] = options.network_weight
        card['since'] = {**card.get('since', {}), 'network_weight': options.network_weight}
    if options.averaged_methods:
        model.averaged_methods = model.config['options']['averaged_methods'] = list(classical_methods(options.averaged_methods.split('+')))
        card['since'] = {**card.get('since', {}), 'averaged_methods': ', '.join(model.averaged_methods)}
    model.provenance = ENCODER
    folder, card['marks'] = repo_root() / 'data/weights' / options.name, marks(options.name)
    if options.card:
        save_pretrained(model, folder, card=card, license='apache-2.0', half=True, overwrite=True)
        return
    save_pretrained(model, folder, card=card, license='apache-2.0', half=True, overwrite=True)
    matter = Matter(folder, device='cpu')  # the rounded weights, as they are given away
    errors = measured(options.name, matter)
    save_pretrained(model, folder, card={**card, 'evaluations': evaluations(errors)}, license='apache-2.0', half=True, overwrite=True)
    write_record(options.name, errors)
    if options.name == 'trimap-guided' and matter.refine != 'none':  # of the portraits one look is enough
        write_record('guided-plain', measured(options.name, matter.plain), what=f'{options.name} without post-refinement')


if __name__ == '__main__':
    main()
