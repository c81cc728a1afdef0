"""The examples of the language's reference, as they stand there."""

EXAMPLES = {
    "resnet50": """\
input 3x224x224
def neck(C, S) = 1x1@C, bn, relu, 3x3sSp1@C, bn, relu, 1x1@4C, bn
def down(C, S) = neck(C, S) + (1x1sS@4C, bn), relu          # first block of a stage
def keep(C)    = neck(C, 1) + id, relu
stem   = 7x7s2p3@64, bn, relu, max3x3s2p1
layer1 = down(64, 1),  2*keep(64)
layer2 = down(128, 2), 3*keep(128)
layer3 = down(256, 2), 5*keep(256)
layer4 = down(512, 2), 2*keep(512)
gap, fc@1000b
""",
    "vgg16": """\
input 3x224x224
def c(C) = 3x3p1@Cb, relu
def pool = max2x2s2
2*c(64), pool, 2*c(128), pool, 3*c(256), pool, 3*c(512), pool, 3*c(512), pool
gap7x7, 2*(fc@4096b, relu, dropout), fc@1000b
""",
    "mobilenet_v2": """\
input 3x224x224
def tail(C, S)  = dw3x3sSp1, bn, relu6, 1x1@C, bn
def mb(T, C, S) = 1x1@*T, bn, relu6, tail(C, S)
def res(T, C)   = mb(T, C, 1) + id
3x3s2p1@32, bn, relu6, tail(16, 1)
mb(6, 24, 2),  res(6, 24)
mb(6, 32, 2),  2*res(6, 32)
mb(6, 64, 2),  3*res(6, 64)
mb(6, 96, 1),  2*res(6, 96)
mb(6, 160, 2), 2*res(6, 160)
mb(6, 320, 1), 1x1@1280, bn, relu6
gap, dropout, fc@1000b
""",
    "efficientnet_b0": """\
input 3x224x224
def bs = bn, silu
def se(E, Q) = mul(id | gap, 1x1@Qb, silu, 1x1@Eb, sigmoid)
def mb(I, T, K, C, S) = 1x1@*T, bs, dwKxKsSp(K//2), bs, se(I*T, I//4), 1x1@C, bn
def stage(I, T, K, C, S, n) = mb(I, T, K, C, S), n*(mb(C, T, K, C, 1) + id)
3x3s2p1@32, bs, dw3x3p1, bs, se(32, 8), 1x1@16, bn
stage(16, 6, 3, 24, 2, 1),  stage(24, 6, 5, 40, 2, 1),   stage(40, 6, 3, 80, 2, 2)
stage(80, 6, 5, 112, 1, 2), stage(112, 6, 5, 192, 2, 3), stage(192, 6, 3, 320, 1, 0)
1x1@1280, bs, gap, dropout, fc@1000b
""",
    "densenet121": """\
input 3x224x224
def dense = cat(id | bn, relu, 1x1@128, bn, relu, 3x3p1@32)
def halve = bn, relu, 1x1@/2, avg2x2s2
7x7s2p3@64, bn, relu, max3x3s2p1
6*dense, halve, 12*dense, halve, 24*dense, halve, 16*dense, bn, relu
gap, fc@1000b
""",
    "shufflenet_v2": """\
input 3x224x224
def arm(C, S) = 1x1@C, bn, relu, dw3x3sSp1, bn, 1x1@C, bn, relu
def down(C)   = cat(dw3x3s2p1, bn, 1x1@C, bn, relu | arm(C, 2)), shuffle2
def unit(C)   = cat([:C] | [C:], arm(C, 1)), shuffle2
3x3s2p1@24, bn, relu, max3x3s2p1
down(58), 3*unit(58), down(116), 7*unit(116), down(232), 3*unit(232)
1x1@1024, bn, relu, gap, fc@1000b
""",
    "unet": """\
input 1x512x512
def two(C)  = 2*(3x3p1@Cb, relu)
def down(C) = max2x2s2, two(C)
e1 = two(64)
e2 = down(128)
e3 = down(256)
e4 = down(512)
down(1024)
cat(e4 | convt2x2s2@512b), two(512)
cat(e3 | convt2x2s2@256b), two(256)
cat(e2 | convt2x2s2@128b), two(128)
cat(e1 | convt2x2s2@64b),  two(64)
1x1@2b
""",
    "repvgg": "(3x3p1, bn) + (1x1, bn) + bn, relu                                       # RepVGG",
    "convnext": "(dw7x7p3b, ln, linear@*4b, gelu, linear@/4b, scale) + id                 # ConvNeXt",
    "inception_factorised": "1x1@128, bn, relu, 1x7p0x3@128, bn, relu, 7x1p3x0@192, bn, relu          # Inception v3, factorised",
    "aspp": "cat(1x1@256 | 3x3p12d12@256 | 3x3p24d24@256 | gap, 1x1@256, bilinear28)  # DeepLab ASPP",
    "wavenet": "mul(2p1:0@32, tanh | 2p1:0@32, sigmoid), 1@32                            # WaveNet gate, causal",
    "c3d": "3x3x3p1@64b, relu, max1x2x2s1x2x2                                        # C3D",
    "same": "3x3s2psame@32                                                            # TensorFlow SAME",
    "shared": "shared f = 3x3p1; f, relu, f                                             # one layer, used twice",
    "pyramid": "c3 = 3x3p1; c4 = 3x3s2p1; p4 = c4, 1x1; p3 = (c3, 1x1) + (p4, up2); output p3 | p4      # a pyramid",
}
