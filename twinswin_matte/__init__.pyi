# Written by nbs/51_api.ipynb.
from .api import matte as matte, evaluate as evaluate
from .core import MattingError as MattingError, MattingSample as MattingSample, load_image as load_image, load_alpha as load_alpha, save_image as save_image, list_images as list_images, samples_folder as samples_folder, show_row as show_row
from .trimap import load_trimap as load_trimap, trimap_from_alpha as trimap_from_alpha, trimap_from_mask as trimap_from_mask
from .composite import cutout as cutout, estimate_foreground as estimate_foreground
from .metrics import matte_metrics as matte_metrics
from .data.synth import random_matte as random_matte
from .data.mattes import open_data as open_data
from .models.encoders import create_encoder as create_encoder
from .models.zoo import create_model as create_model, list_models as list_models
from .models.hub import save_pretrained as save_pretrained
from .train.config import PRESETS as PRESETS, TrainConfig as TrainConfig, load_config as load_config
from .apply.predict import Matter as Matter, Prediction as Prediction
from .apply.folder import predict_folder as predict_folder
from .apply.video import predict_video as predict_video
from .apply.evaluate import summarize as summarize
from .composite import composite as composite
from .api import train_model as train

__version__: str
__all__ = ['Matter', 'MattingError', 'MattingSample', 'PRESETS', 'Prediction', 'TrainConfig', 'composite', 'create_encoder', 'create_model', 'cutout', 'estimate_foreground', 'evaluate', 'list_images', 'list_models', 'load_alpha', 'load_config', 'load_image', 'load_trimap', 'matte', 'matte_metrics', 'open_data', 'predict_folder', 'predict_video', 'random_matte', 'samples_folder', 'save_image', 'save_pretrained', 'show_row', 'summarize', 'train', 'trimap_from_alpha', 'trimap_from_mask']
