//! Warm kernels allocate nothing.
#![allow(unsafe_code)]

use mednet_network::device::cpu::convolution::FusedEpilogue;
use mednet_network::device::cpu::{
    Algorithm, InstructionSet, PackedConvolution, PackedLinear, Planes, PlanesMut, ScaleShift,
};
use mednet_network::geometry::ConvolutionGeometry;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counted.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn warm_kernels_allocate_nothing() {
    let size = [24, 30];
    let layers = [
        (
            ConvolutionGeometry::square(12, 20, 1, 1, 0),
            Algorithm::Direct,
        ),
        (
            ConvolutionGeometry::square(12, 20, 3, 1, 1),
            Algorithm::Direct,
        ),
        (
            ConvolutionGeometry::square(12, 20, 3, 1, 1),
            Algorithm::Winograd,
        ),
        (
            ConvolutionGeometry::square(12, 20, 7, 2, 3),
            Algorithm::Direct,
        ),
    ];
    let prologue = ScaleShift {
        scale: vec![1.0; 12],
        shift: vec![0.5; 12],
        relu: true,
    };
    let input = vec![1.0; 12 * size[0] * size[1]];
    let linear = PackedLinear::new(720, 12, &vec![1.0; 12 * 720], None);
    let mut features = vec![0.0; 144];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    pool.install(|| {
        for (geometry, algorithm) in layers {
            let [height, width] = geometry.output_size(size).expect("a size");
            let weight = vec![0.1; geometry.weight_len()];
            let set = InstructionSet::best();
            let packed = PackedConvolution::new_for(set, algorithm, geometry, &weight, None);
            let mut output = vec![0.0; 20 * height * width];
            let mut run = || {
                packed.run(
                    Planes::dense(&input, [1, 12, size[0], size[1]]),
                    &mut PlanesMut::dense(&mut output, [1, 20, height, width]),
                    Some(&prologue),
                    FusedEpilogue {
                        relu: true,
                        average_with: None,
                    },
                );
                linear.run(&input, &mut features, false);
            };
            run();
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            run();
            let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(made, 0, "{algorithm:?} {geometry:?}");
        }
    });
}
