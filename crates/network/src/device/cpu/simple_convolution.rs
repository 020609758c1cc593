//! Convolution as a sum of shifted planes.

use crate::device::{ConvolutionGeometry, Epilogue, Region, RegionMut, ScaleShift};

#[derive(Debug)]
pub struct Convolution {
    geometry: ConvolutionGeometry,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Convolution {
    pub(super) fn new(geometry: ConvolutionGeometry, weight: &[f32], bias: Option<&[f32]>) -> Self {
        let bias = bias.map_or_else(|| vec![0.0; geometry.out_channels], <[f32]>::to_vec);
        Self {
            geometry,
            weight: weight.to_vec(),
            bias,
        }
    }

    pub(super) fn run(
        &self,
        prologue: Option<&ScaleShift>,
        input: Region<'_, Vec<f32>>,
        output: RegionMut<'_, Vec<f32>>,
        epilogue: &Epilogue<'_, Vec<f32>>,
    ) {
        let scaled;
        let input = if let Some(prologue) = prologue {
            let layout = crate::device::Layout::dense(input.layout.images, input.layout.shape());
            let mut buffer = vec![0.0; layout.images * layout.image()];
            super::elementwise::affine(
                prologue,
                input,
                RegionMut {
                    buffer: &mut buffer,
                    layout,
                },
            );
            scaled = buffer;
            Region {
                buffer: &scaled,
                layout,
            }
        } else {
            input
        };
        let g = &self.geometry;
        let [height, width] = [input.layout.height, input.layout.width];
        let [rows, columns] = [output.layout.height, output.layout.width];
        let group_in = g.in_channels / g.groups;
        let group_out = g.out_channels / g.groups;
        let [kh, kw] = g.kernel;
        output.for_each_plane(|image, out_channel, values| {
            values.fill(self.bias[out_channel]);
            let first_in = out_channel / group_out * group_in;
            for i in 0..group_in {
                let plane = input.plane(image, first_in + i);
                for ky in 0..kh {
                    for kx in 0..kw {
                        let w = self.weight[((out_channel * group_in + i) * kh + ky) * kw + kx];
                        for row in 0..rows {
                            let y = (row * g.stride[0] + ky * g.dilation[0]) as isize
                                - g.padding[0] as isize;
                            if y < 0 || y >= height as isize {
                                continue;
                            }
                            let line = &plane[y as usize * width..(y as usize + 1) * width];
                            let out = &mut values[row * columns..(row + 1) * columns];
                            let shift = (kx * g.dilation[1]) as isize - g.padding[1] as isize;
                            let s = g.stride[1];
                            let lo = if shift < 0 {
                                ((-shift) as usize).div_ceil(s)
                            } else {
                                0
                            };
                            let hi = ((width as isize - shift) as usize).div_ceil(s).min(columns);
                            if s == 1 {
                                let from = (lo as isize + shift) as usize;
                                for (o, &v) in out[lo..hi].iter_mut().zip(&line[from..]) {
                                    *o += w * v;
                                }
                            } else {
                                for c in lo..hi {
                                    out[c] += w * line[((c * s) as isize + shift) as usize];
                                }
                            }
                        }
                    }
                }
            }
            if epilogue.relu {
                for v in values.iter_mut() {
                    *v = v.max(0.0);
                }
            }
            if let Some((other, factor)) = &epilogue.sum {
                for (v, &o) in values.iter_mut().zip(other.plane(image, out_channel)) {
                    *v = (*v + o) * factor;
                }
            }
        });
    }

    pub(super) fn run_gradient(&self, dy: Region<'_, Vec<f32>>, dx: RegionMut<'_, Vec<f32>>) {
        let g = &self.geometry;
        let [height, width] = [dx.layout.height, dx.layout.width];
        let [rows, columns] = [dy.layout.height, dy.layout.width];
        let group_in = g.in_channels / g.groups;
        let group_out = g.out_channels / g.groups;
        let [kh, kw] = g.kernel;
        dx.for_each_plane(|image, in_channel, values| {
            values.fill(0.0);
            let group = in_channel / group_in;
            let i = in_channel % group_in;
            for o in group * group_out..(group + 1) * group_out {
                let plane = dy.plane(image, o);
                for ky in 0..kh {
                    for kx in 0..kw {
                        let w = self.weight[((o * group_in + i) * kh + ky) * kw + kx];
                        for row in 0..rows {
                            let y = (row * g.stride[0] + ky * g.dilation[0]) as isize
                                - g.padding[0] as isize;
                            if y < 0 || y >= height as isize {
                                continue;
                            }
                            for c in 0..columns {
                                let x = (c * g.stride[1] + kx * g.dilation[1]) as isize
                                    - g.padding[1] as isize;
                                if x >= 0 && x < width as isize {
                                    values[y as usize * width + x as usize] +=
                                        w * plane[row * columns + c];
                                }
                            }
                        }
                    }
                }
            }
        });
    }
}
