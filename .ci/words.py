"Words that the field does not use, and what it says instead; `.ci/check.py` keeps them out of notebooks, tools and pages."
import re

WORDS = {  # pattern -> what to write
    r'\bsettl(e|es|ed|ing)\b': 'refine, post-refinement',
    r'\bvoters?\b|\bha(ve|s) a say\b|\ban equal say\b': 'averaged predictions, ensemble members, weights',
    r'\bdoubt_|_doubt\b|\bDOUBT|\bdoubted\b': 'unknown band, uncertain',
    r'\bsinks?\b': 'logger',
    r'\bplayers?\b': 'optimizer group',
    r'\blessons?\b': 'teacher pretraining',
    r'\bLook\(|\b(Backdrop|Guides|Ledger|Desk|Player|Lesson)\b': 'RenderOptions, Background, TrimapSource, ResultLog, MattingService, OptimizerGroup, TeacherPretraining',
    r'(?<!ground )\bthe truth\b': 'ground truth',
    r'\bguided models?\b': 'trimap-based model',
    r'\bsurer\b': 'more confident',
    r'\bwhat one would\b': 'alternatives, baselines',
    r'\bbehind the marks?\b|\bbelow the marks?\b': 'baselines',
    r'\bground floor\b|\bmap of the house\b|\bThree doors\b|\bWhat wrong means\b|The value itself\.': 'plain technical words',
    r'\bdata\.(onto|clutter|estimate|harmonise|recolour|apart|place|times|variation|publishable|radius)\b': 'the key of today, see twinswin_matte.migrate',
    r'\btrain\.(lowest|half_size|skip_bad|frozen_norm)\b|\bgan\.(every|lowest|double)\b|\blog\.sinks\b|\bmodel\.sites\b': 'the key of today, see twinswin_matte.migrate',
    r'\b[Cc]olours?\b|\b[Cc]oloured\b|\b[Gg]reys?\b|\b[Cc]entred?\b|\b[Nn]eighbour|\b[Bb]ehaviour|\b[Ll]icence|\b[Aa]rtefact|\b[Ll]abelled\b|\b[Mm]isspelt\b': 'American spelling',
    r'\b([Nn]ormal|[Ss]tandard|[Hh]armon|[Oo]ptim|[Ii]nitial|[Rr]ecogn|[Ss]ummar|[Ss]ynchron|[Mm]inim|[Mm]axim|[Oo]rgan|[Gg]eneral|[Vv]isual)is(e|es|ed|ing|ation)\b': 'American spelling',
}
ALLOWED = {  # file -> words that have to stand there, since older names are tested
    'nbs/00c_migrate.ipynb': None, '.ci/words.py': None,
    'nbs/29_models.zoo.ipynb': ('settle',), 'nbs/30_train.config.ipynb': ('data.onto', 'standardised'), 'nbs/49_cli.ipynb': ('settle',)}


def wrong_words(name, text):
    "Lines about the words in a text that the field does not use."
    found, allowed = [], ALLOWED.get(name, ())
    for pattern, instead in WORDS.items() if allowed is not None else ():
        for match in re.finditer(pattern, text):
            if match[0] not in allowed:
                around = text[max(0, match.start() - 30):match.end() + 30].strip().replace('\n', ' ')
                found.append(f'{name}: {match[0]!r} in "{around}"; write {instead}')
    return found
